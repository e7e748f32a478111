//! What the errors of all capabilities have in common: each case has a name in the WIT and one text. The mistake it
//! stops: the same case with other words, or a denial that becomes a failure, in one capability and not the next.

/// Gives an enum of cases with one text each its names, its words and its way into a
/// [`ToolError`](crate::ToolError), in which a denial stays one.
macro_rules! cases {
    ($error:ident { $($case:ident => $name:literal, $words:literal;)+ }) => {
        impl $error {
            /// The case's name in the WIT, for programs.
            #[must_use]
            pub fn case(&self) -> &'static str {
                match self {
                    $(Self::$case(_) => $name,)+
                }
            }
        }

        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$case(text) => write!(f, "{}: {text}", $words),)+
                }
            }
        }

        impl std::error::Error for $error {}

        /// A denial stays a denial; everything else is a failure whose details name the case.
        impl From<$error> for crate::ToolError {
            fn from(error: $error) -> Self {
                match error {
                    $error::Denied(reason) => Self::denied(reason),
                    other => {
                        let details = serde_json::json!({ "error": other.case() });
                        Self::failed(&other).with_details(details)
                    }
                }
            }
        }
    };
}

pub(crate) use cases;

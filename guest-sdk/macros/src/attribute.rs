//! What stands inside `#[tool(…)]`. An unknown key is an error, so that a misspelt `uses` cannot
//! leave a tool wider than its author meant.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, parenthesized};

/// The parsed arguments of the attribute; everything may be absent.
#[derive(Default)]
pub(crate) struct Attribute {
    pub(crate) name: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    /// `None`: the tool uses all imports of its plugin. `Some([])`: none of them.
    pub(crate) uses: Option<Vec<Capability>>,
}

/// One entry of `uses(…)`.
pub(crate) enum Capability {
    /// A module with a constant `INTERFACE`; the compiler finds typing errors.
    Module(Path),
    /// The whole name, for capabilities that a platform team defined.
    Literal(LitStr),
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attribute = Self::default();
        while !input.is_empty() {
            let key: syn::Ident = input.call(syn::ext::IdentExt::parse_any)?;
            let twice = || syn::Error::new(key.span(), format!("`{key}` is given twice"));
            match key.to_string().as_str() {
                "name" => {
                    input.parse::<Token![=]>()?;
                    if attribute.name.replace(tool_name(input.parse()?)?).is_some() {
                        return Err(twice());
                    }
                }
                "title" => {
                    input.parse::<Token![=]>()?;
                    if attribute.title.replace(input.parse()?).is_some() {
                        return Err(twice());
                    }
                }
                "uses" => {
                    let content;
                    parenthesized!(content in input);
                    let list = Punctuated::<Capability, Token![,]>::parse_terminated(&content)?;
                    if attribute.uses.replace(list.into_iter().collect()).is_some() {
                        return Err(twice());
                    }
                }
                _ => {
                    return Err(syn::Error::new(
                        key.span(),
                        format!(
                            "`{key}` is not an option of `#[tool]`; it knows `name = \"…\"`, \
                             `title = \"…\"` and `uses(…)`"
                        ),
                    ));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(attribute)
    }
}

impl Parse for Capability {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            let literal: LitStr = input.parse()?;
            return match interface_problem(&literal.value()) {
                None => Ok(Self::Literal(literal)),
                Some(problem) => Err(syn::Error::new(literal.span(), problem)),
            };
        }
        Ok(Self::Module(input.call(Path::parse_mod_style)?))
    }
}

/// Checks a name written by hand against the tool contract, `[a-z0-9][a-z0-9-]{0,62}`.
fn tool_name(literal: LitStr) -> syn::Result<LitStr> {
    match name_problem(&literal.value()) {
        None => Ok(literal),
        Some(problem) => Err(syn::Error::new(literal.span(), problem)),
    }
}

/// Why `name` cannot be a tool's name (the source of the rule is `wit/tool/tool.wit`).
pub(crate) fn name_problem(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if starts_well && name.len() <= 63 && name.chars().all(allowed) {
        return None;
    }
    Some(format!(
        "`{name}` cannot be the name of a tool: use lower-case letters, digits and `-`, at most 63, \
         not starting with `-`; set one with `#[tool(name = \"…\")]`"
    ))
}

/// Why `name` is not `namespace:package/interface@1.2.3`.
fn interface_problem(name: &str) -> Option<String> {
    let kebab = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let version = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.split('.').count() >= 3
            && part.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
    };
    let fits = name.split_once('@').is_some_and(|(path, number)| {
        version(number)
            && path.split_once(':').is_some_and(|(namespace, rest)| {
                kebab(namespace)
                    && rest
                        .split_once('/')
                        .is_some_and(|(package, interface)| kebab(package) && kebab(interface))
            })
    });
    if fits {
        return None;
    }
    Some(format!(
        "`{name}` is not the full name of a capability; write it as `acme:cache/admin@1.0.0`, \
         version included"
    ))
}

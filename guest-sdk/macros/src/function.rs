//! Reads the function under `#[tool]` and says, in the author's terms, what a tool may not be.

use syn::spanned::Spanned;
use syn::{Expr, FnArg, ItemFn, Lit, Meta, ReturnType, Type};

use crate::attribute::name_problem;

/// What the expansion needs to know about the function.
pub(crate) struct Function {
    /// The tool's name, made from the function's where the attribute gives none.
    pub(crate) name: String,
    pub(crate) description: String,
    /// The type of its one argument, if it has one.
    pub(crate) argument: Option<Type>,
    pub(crate) output: Output,
}

/// The two forms of a result.
pub(crate) enum Output {
    /// `-> T`, or nothing at all.
    Plain(Type),
    /// `-> Result<T, E>` in any spelling whose last segment is `Result`.
    Fallible(Type),
}

/// Types whose JSON is not an object, caught here because the message is better than the one from
/// `describe`.
const NOT_AN_OBJECT: &[&str] = &[
    "String", "Vec", "Option", "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8",
    "i16", "i32", "i64", "i128", "isize", "f32", "f64",
];

/// Checks the function. All problems are reported together.
pub(crate) fn read(function: &ItemFn, name: Option<String>) -> syn::Result<Function> {
    let mut problems: Option<syn::Error> = None;
    let mut report = |span: proc_macro2::Span, text: &str| {
        let problem = syn::Error::new(span, text);
        match &mut problems {
            Some(earlier) => earlier.combine(problem),
            none => *none = Some(problem),
        }
    };

    let signature = &function.sig;
    if let Some(word) = &signature.asyncness {
        report(word.span(), "a tool is an ordinary function, not `async`: capability calls block");
    }
    if let Some(word) = &signature.unsafety {
        report(word.span(), "a tool cannot be `unsafe`: agents call it with whatever they like");
    }
    if let Some(abi) = &signature.abi {
        report(abi.span(), "a tool is an ordinary Rust function; the SDK exports it");
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        report(
            signature.generics.span(),
            "a tool cannot be generic: its JSON Schema must be known",
        );
    }

    let description = description(function);
    if description.is_empty() {
        report(
            signature.ident.span(),
            "a tool needs a doc comment: agents choose tools by it. Say in a sentence or two what it \
             does and whether it changes anything",
        );
    }

    let ident = signature.ident.to_string();
    let name = name.unwrap_or_else(|| ident.trim_start_matches("r#").replace('_', "-"));
    if let Some(problem) = name_problem(&name) {
        report(signature.ident.span(), &problem);
    }

    let mut argument = None;
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                report(receiver.span(), "a tool is a free function, it has no `self`");
            }
            FnArg::Typed(typed) if argument.is_some() => report(
                typed.span(),
                "a tool takes one struct: put all arguments in it, each field with a doc comment",
            ),
            FnArg::Typed(typed) => {
                if let Some(problem) = argument_problem(&typed.ty) {
                    report(typed.ty.span(), problem);
                }
                argument = Some((*typed.ty).clone());
            }
        }
    }

    let output = match &signature.output {
        ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => {
            report(ty.span(), "a tool's result type must be named: its JSON Schema must be known");
            Output::Plain((**ty).clone())
        }
        ReturnType::Default => Output::Plain(syn::parse_quote!(())),
        ReturnType::Type(_, ty) if last_segment(ty).is_some_and(|last| last == "Result") => {
            Output::Fallible((**ty).clone())
        }
        ReturnType::Type(_, ty) => Output::Plain((**ty).clone()),
    };

    match problems {
        Some(problems) => Err(problems),
        None => Ok(Function { name, description, argument, output }),
    }
}

/// The doc comment: lines of a paragraph joined, paragraphs kept apart.
fn description(function: &ItemFn) -> String {
    let mut text = String::new();
    for attribute in &function.attrs {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        let Expr::Lit(literal) = &pair.value else { continue };
        let Lit::Str(literal) = &literal.lit else { continue };
        if pair.path.is_ident("doc") {
            for line in literal.value().lines() {
                text.push_str(line.trim());
                text.push('\n');
            }
            if literal.value().is_empty() {
                text.push('\n');
            }
        }
    }
    let paragraphs = text.split("\n\n").map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn argument_problem(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::ImplTrait(_) => {
            Some("a tool's argument type must be named: its JSON Schema must be known")
        }
        Type::Reference(_) => {
            Some("take the argument struct by value: it is made from JSON for this call")
        }
        Type::Tuple(_) | Type::Array(_) | Type::Slice(_) => Some(
            "a tool takes one struct with named fields: agents send a JSON object, not an array",
        ),
        _ if last_segment(ty).is_some_and(|last| NOT_AN_OBJECT.iter().any(|name| last == name)) => {
            Some(
                "a tool takes one struct with named fields, because agents send a JSON object: \
                 `#[derive(Deserialize, JsonSchema)] struct …`",
            )
        }
        _ => None,
    }
}

fn last_segment(ty: &Type) -> Option<&syn::Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Paren(inner) => last_segment(&inner.elem),
        Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}

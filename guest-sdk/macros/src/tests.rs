//! What a tool's author reads on a mistake. The messages are the interface, so they are tested here;
//! that the mistakes do not compile is tested in `guest-sdk/src/tool.md`.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::tool;

fn expansion(attribute: TokenStream, item: TokenStream) -> String {
    tool(attribute, item).to_string()
}

/// Every message of the expansion's `compile_error!`s.
#[track_caller]
fn refused(attribute: TokenStream, item: TokenStream, message: &str) {
    let text = expansion(attribute, item);
    assert!(text.contains("compile_error !"), "accepted: {text}");
    assert!(text.contains(message), "`{message}` is not in: {text}");
}

#[test]
fn a_doc_comment_is_required() {
    refused(
        quote!(),
        quote!(
            fn f() {}
        ),
        "a tool needs a doc comment",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "  "]
            fn f() {}
        ),
        "a tool needs a doc comment",
    );
    refused(
        quote!(),
        quote!(
            #[doc(hidden)]
            fn f() {}
        ),
        "a tool needs a doc comment",
    );
}

#[test]
fn it_belongs_on_an_ordinary_function() {
    refused(
        quote!(),
        quote!(
            struct S;
        ),
        "`#[tool]` belongs on a function",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            async fn f() {}
        ),
        "not `async`",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            unsafe fn f() {}
        ),
        "cannot be `unsafe`",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            extern "C" fn f() {}
        ),
        "an ordinary Rust function",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn f<T>(t: T) {}
        ),
        "cannot be generic",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn f(&self) {}
        ),
        "it has no `self`",
    );
}

#[test]
fn it_takes_one_struct() {
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn f(a: A, b: B) {}
        ),
        "put all arguments in it",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn f(a: &A) {}
        ),
        "by value",
    );
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn f(a: (A, B)) {}
        ),
        "not an array",
    );
    for ty in [
        quote!(String),
        quote!(Vec<A>),
        quote!(Option<A>),
        quote!(std::string::String),
        quote!(u32),
    ] {
        refused(quote!(), quote!(#[doc = "F."] fn f(a: #ty) {}), "one struct with named fields");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let text = expansion(
        quote!(),
        quote!(
            async fn f(a: String, b: B) {}
        ),
    );
    assert_eq!(text.matches("compile_error !").count(), 4, "{text}");
}

#[test]
fn options_are_few_and_known() {
    let f = || {
        quote!(
            #[doc = "F."]
            fn f() {}
        )
    };
    refused(quote!(use(observe)), f(), "`use` is not an option of `#[tool]`");
    refused(quote!(desription = "x"), f(), "it knows `name = ");
    refused(quote!(name = "a", name = "b"), f(), "`name` is given twice");
    refused(quote!(uses(a), uses(b)), f(), "`uses` is given twice");
    refused(quote!(title = "a", title = "b"), f(), "`title` is given twice");
}

#[test]
fn a_name_is_what_the_contract_allows() {
    let f = || {
        quote!(
            #[doc = "F."]
            fn f() {}
        )
    };
    for name in ["", "-a", "A", "a_b", "a.b", "a b", "délete", &"a".repeat(64)] {
        refused(quote!(name = #name), f(), "cannot be the name of a tool");
    }
    refused(
        quote!(),
        quote!(
            #[doc = "F."]
            fn _f() {}
        ),
        "cannot be the name of a tool",
    );
    let longest = "0".repeat(63);
    assert!(expansion(quote!(name = #longest), f()).contains(&longest));
    let kebab = expansion(
        quote!(),
        quote!(
            #[doc = "F."]
            fn read_all_notes() {}
        ),
    );
    assert!(kebab.contains("\"read-all-notes\""), "{kebab}");
}

#[test]
fn a_literal_capability_is_a_full_name() {
    let f = || {
        quote!(
            #[doc = "F."]
            fn f() {}
        )
    };
    for name in [
        "observe",
        "acme:cache/admin",
        "acme:cache@1.0.0",
        "acme/cache@1.0.0",
        "Acme:c/a@1.0.0",
        "acme:cache/admin@1",
        "acme:cache/admin@latest",
    ] {
        refused(quote!(uses(#name)), f(), "is not the full name of a capability");
    }
    let good = expansion(quote!(uses("acme:cache/admin@1.0.0")), f());
    assert!(!good.contains("compile_error"), "{good}");
}

#[test]
fn what_is_compiled_away_has_no_entry() {
    let text = expansion(
        quote!(),
        quote!(
            #[doc = "F."]
            #[cfg(unix)]
            fn f() {}
        ),
    );
    assert_eq!(text.matches("# [cfg (unix)]").count(), 3, "{text}");
}

#[test]
fn a_mistake_leaves_the_function_in_place() {
    let text = expansion(
        quote!(nonsense),
        quote!(
            #[doc = "F."]
            fn f() {
                body()
            }
        ),
    );
    assert!(text.contains("body ()"), "{text}");
}

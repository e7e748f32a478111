//! Turns a checked function into itself plus a tool entry of the same name. The function stays as
//! it was written, so a test can call it directly.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ItemFn;
use syn::spanned::Spanned;

use crate::attribute::{Attribute, Capability};
use crate::function::{self, Function, Output};

/// The whole expansion. On a mistake: the function unchanged beside the errors, so that the
/// compiler does not add "cannot find function" to them.
pub(crate) fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let error = syn::Error::new(item.span(), "`#[tool]` belongs on a function");
            return with_error(&error, &item);
        }
    };
    let parsed = syn::parse2::<Attribute>(attribute).and_then(|attribute| {
        let name = attribute.name.as_ref().map(syn::LitStr::value);
        Ok((function::read(&function, name)?, attribute))
    });
    match parsed {
        Ok((read, attribute)) => entry(&function, &read, &attribute),
        Err(error) => with_error(&error, &item),
    }
}

fn with_error(error: &syn::Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

/// The entry is an implementation on an empty enum of the function's name: types and functions
/// live in different namespaces, so `plugin!(heal)` finds both under one path.
fn entry(item: &ItemFn, function: &Function, attribute: &Attribute) -> TokenStream {
    let Function { name, description, argument, output } = function;
    let ident = &item.sig.ident;
    let visibility = &item.vis;
    // What compiles the function away must compile its entry away.
    let cfg: Vec<_> =
        item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect();
    let title = match &attribute.title {
        Some(title) => quote!(::core::option::Option::Some(#title)),
        None => quote!(::core::option::Option::None),
    };
    let uses = match &attribute.uses {
        None => quote!(::core::option::Option::None),
        Some(capabilities) => {
            let names = capabilities.iter().map(|capability| match capability {
                Capability::Literal(name) => quote!(#name),
                Capability::Module(path) => quote_spanned!(path.span()=> #path::INTERFACE),
            });
            quote!(::core::option::Option::Some(&[#(#names),*]))
        }
    };
    let no_argument = syn::parse_quote!(::interlock_guest::__private::NoArguments);
    let argument_type = argument.as_ref().unwrap_or(&no_argument);
    let parameter = format_ident!("arguments");
    let call = match argument {
        Some(_) => quote!(#ident(#parameter)),
        None => quote!({ let _ = #parameter; #ident() }),
    };
    let (result, call) = match output {
        Output::Fallible(ty) => (quote_spanned!(ty.span()=> #ty), call),
        Output::Plain(ty) => (
            quote_spanned!(ty.span()=>
                ::core::result::Result<#ty, ::interlock_guest::ToolError>),
            quote!(::core::result::Result::Ok(#call)),
        ),
    };
    let input_schema = quote_spanned! {argument_type.span()=>
        ::interlock_guest::__private::input_schema::<#argument_type>
    };
    let output_schema = quote_spanned! {result.span()=>
        ::interlock_guest::__private::output_schema::<#result>
    };

    quote! {
        #item

        #(#cfg)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility enum #ident {}

        #(#cfg)*
        impl ::interlock_guest::__private::Tool for #ident {
            const ENTRY: ::interlock_guest::__private::Entry = ::interlock_guest::__private::Entry {
                name: #name,
                title: #title,
                description: #description,
                uses: #uses,
                input_schema: #input_schema,
                output_schema: #output_schema,
                call: |text| ::interlock_guest::__private::run::<#argument_type, #result>(
                    text,
                    |#parameter| #call,
                ),
            };
        }
    }
}

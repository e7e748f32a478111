//! Reading the WIT of a capability, and refusing what a capability cannot be made of: resources,
//! streams, futures and async functions have state or timing that a recorded call does not show.

use crate::AuthorityError;
use wit_parser::{
    Function, FunctionKind, InterfaceId, PackageId, Resolve, SourceMap, Type, TypeDefKind,
};

/// One parsed WIT package.
#[derive(Debug)]
pub struct WitPackage {
    /// The types of the package.
    pub resolve: Resolve,
    /// The package.
    pub package: PackageId,
}

impl WitPackage {
    /// Parses the files of one package.
    ///
    /// # Errors
    /// What the WIT parser says, which includes the file and line.
    pub fn parse(files: &[(String, String)]) -> Result<Self, AuthorityError> {
        let mut map = SourceMap::default();
        for (name, text) in files {
            map.push_str(name, text.clone());
        }
        let wit_error = |message: String| AuthorityError::Catalogue {
            file: files.first().map(|(name, _)| name.clone()).unwrap_or_default(),
            line: None,
            message,
        };
        let group = map.parse().map_err(|(map, error)| wit_error(error.render(&map)))?;
        let mut resolve = Resolve::default();
        let package = resolve
            .push_group(group)
            .map_err(|error| wit_error(resolve.render_error(&error.into())))?;
        Ok(Self { resolve, package })
    }

    /// An interface of the package by its exact name.
    pub fn interface(&self, name: &crate::InterfaceName) -> Option<InterfaceId> {
        let package = self.resolve.packages.get(self.package)?;
        let id = package.interfaces.get(name.interface()).copied()?;
        (self.resolve.id_of(id).as_deref() == Some(name.as_str())).then_some(id)
    }
}

/// Why a function cannot be a capability function; `None` where it can.
pub(super) fn unsupported(resolve: &Resolve, function: &Function) -> Option<String> {
    if !matches!(function.kind, FunctionKind::Freestanding) {
        return Some(
            "it is async or belongs to a resource; a capability has plain functions only".into(),
        );
    }
    let types = function.params.iter().map(|p| (p.name.as_str(), &p.ty));
    types.chain(function.result.iter().map(|ty| ("result", ty))).find_map(|(place, ty)| {
        unsupported_type(resolve, ty).map(|kind| {
            format!("`{place}` has a {kind}, which a capability cannot carry; use plain values")
        })
    })
}

fn unsupported_type(resolve: &Resolve, ty: &Type) -> Option<&'static str> {
    let Type::Id(id) = ty else {
        return matches!(ty, Type::ErrorContext).then_some("error-context");
    };
    let all = |mut types: &mut dyn Iterator<Item = &Type>| -> Option<&'static str> {
        (&mut types).find_map(|ty| unsupported_type(resolve, ty))
    };
    match &resolve.types.get(*id)?.kind {
        TypeDefKind::Record(record) => all(&mut record.fields.iter().map(|f| &f.ty)),
        TypeDefKind::Tuple(tuple) => all(&mut tuple.types.iter()),
        TypeDefKind::Variant(variant) => {
            all(&mut variant.cases.iter().filter_map(|c| c.ty.as_ref()))
        }
        TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _)
        | TypeDefKind::Type(ty) => unsupported_type(resolve, ty),
        TypeDefKind::Result(result) => all(&mut result.ok.iter().chain(result.err.iter())),
        TypeDefKind::Flags(_) | TypeDefKind::Enum(_) => None,
        TypeDefKind::Resource | TypeDefKind::Handle(_) => Some("resource"),
        TypeDefKind::Future(_) => Some("future"),
        TypeDefKind::Stream(_) => Some("stream"),
        TypeDefKind::Map(..) => Some("map"),
        TypeDefKind::Unknown => Some("unknown type"),
    }
}

/// Follows aliases (`use`, `type a = b`) to the type that is meant.
pub(super) fn follow<'a>(resolve: &'a Resolve, ty: &'a Type) -> Option<&'a TypeDefKind> {
    let mut ty = ty;
    loop {
        let Type::Id(id) = ty else { return None };
        match &resolve.types.get(*id)?.kind {
            TypeDefKind::Type(next) => ty = next,
            kind => return Some(kind),
        }
    }
}

/// The primitive that a type is, through aliases.
pub(super) fn primitive(resolve: &Resolve, ty: &Type) -> Option<Type> {
    let mut ty = *ty;
    loop {
        let Type::Id(id) = ty else { return Some(ty) };
        match &resolve.types.get(id)?.kind {
            TypeDefKind::Type(next) => ty = *next,
            _ => return None,
        }
    }
}

//! The shape of a component, read without compiling or running it: string encodings, sizes that make
//! the engine recurse or the compiler explode, and the custom section of the guest SDK.

use crate::{AdmissionError, engine::allowed_features, excerpt};
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentDefinedType, ComponentType,
    ComponentTypeDeclaration, Encoding, InstanceTypeDeclaration, Parser, Payload, Validator,
};

/// Cases of a variant or enum, flags, fields of a record, elements of a tuple. Adapters between
/// components recurse over cases (wasmtime #14354).
const MAX_CASES: usize = 512;
/// Functions of all core modules together. CPython has about 20,000.
const MAX_FUNCTIONS: u64 = 250_000;
/// Core modules and components inside the plugin.
const MAX_PARTS: usize = 1_000;
/// Components in components, and types of such in each other.
const MAX_DEPTH: usize = 16;
/// Types in types: each that has others in it begins with one of two bytes (`0x41` a component's, `0x42` an instance's type;
/// Binary.md of the component model), so a section with fewer of them nests less. Names and numbers have them, too.
const MAX_NESTS: usize = 5_000;
/// The stack on which so deep a type can be read, in bytes. What is not used takes no memory.
const STACK: usize = 256 << 20;
/// The custom section that the guest SDK writes into its core module.
const SDK_SECTION: &str = "interlock-guest";

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Structure {
    /// The guest SDK's version, as the plugin claims it.
    pub(super) sdk: Option<String>,
}

/// Reads a component and validates it against the features that a guest may use, which are fewer than
/// the engine needs for itself.
///
/// # Errors
/// Bytes that are no valid component, or one that is out of bounds.
pub(super) fn read(bytes: &[u8]) -> Result<Structure, AdmissionError> {
    // The reader of types calls itself for a type in a type, before anybody asks how deep that goes.
    std::thread::scope(|threads| {
        let reading = std::thread::Builder::new().stack_size(STACK).spawn_scoped(threads, || {
            let structure = scan(bytes)?;
            Validator::new_with_features(allowed_features())
                .validate_all(bytes)
                .map_err(malformed)?;
            Ok(structure)
        });
        let read = reading.map_err(|e| malformed(format!("it cannot be read: {e}")))?.join();
        read.map_err(|_| malformed("the reader of its bytes failed"))?
    })
}

/// Bounds come first: they keep what follows from having too much to do.
fn scan(bytes: &[u8]) -> Result<Structure, AdmissionError> {
    let mut structure = Structure::default();
    let (mut functions, mut parts, mut depth) = (0u64, 0usize, 0usize);
    let out = |message: String| Err(AdmissionError::OutOfBounds(message));
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(AdmissionError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                parts = parts.saturating_add(1);
                depth = depth.saturating_add(1);
                if parts > MAX_PARTS || depth > MAX_DEPTH {
                    return out(format!(
                        "it nests more than {MAX_PARTS} modules and components, or deeper than {MAX_DEPTH}"
                    ));
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionStart { count, .. } => {
                functions = functions.saturating_add(u64::from(count));
                if functions > MAX_FUNCTIONS {
                    return out(format!("it has more than {MAX_FUNCTIONS} functions"));
                }
            }
            Payload::ComponentTypeSection(section) => {
                let nests = |byte: &&u8| matches!(**byte, 0x41 | 0x42);
                let most = bytes.get(section.range()).unwrap_or_default().iter().filter(nests);
                if most.count() > MAX_NESTS {
                    return out(format!("a section of its types may nest deeper than {MAX_NESTS}"));
                }
                for ty in section {
                    component_type(&ty.map_err(malformed)?, 0)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    encodings(&function.map_err(malformed)?)?;
                }
            }
            Payload::CustomSection(section) if section.name() == SDK_SECTION => {
                structure.sdk = version(section.data());
            }
            _ => {}
        }
    }
    Ok(structure)
}

fn malformed(error: impl std::fmt::Display) -> AdmissionError {
    AdmissionError::Malformed(excerpt::sentence(error.to_string()))
}

/// A version string of the SDK, if that is what it is.
fn version(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_');
    (text.len() <= 64 && !text.is_empty() && text.bytes().all(fine)).then(|| text.to_owned())
}

/// UTF-16 and latin1 transcoding had memory-safety advisories (CVE-2026-34941, -34942, -35195), and a
/// UTF-8 world has no need of either.
fn encodings(function: &CanonicalFunction) -> Result<(), AdmissionError> {
    let options = match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options
        }
        _ => return Ok(()),
    };
    let other = options
        .iter()
        .find(|o| matches!(o, CanonicalOption::UTF16 | CanonicalOption::CompactUTF16));
    match other {
        None => Ok(()),
        Some(_) => Err(AdmissionError::OutOfBounds(
            "it passes strings as UTF-16 or latin1; build it with UTF-8 strings".into(),
        )),
    }
}

fn component_type(ty: &ComponentType<'_>, depth: usize) -> Result<(), AdmissionError> {
    if depth > MAX_DEPTH {
        return Err(AdmissionError::OutOfBounds(format!(
            "a type of an instance or a component is deeper in others than {MAX_DEPTH}"
        )));
    }
    let inner = depth.saturating_add(1);
    match ty {
        ComponentType::Defined(defined) => defined_type(defined),
        ComponentType::Instance(declarations) => declarations.iter().try_for_each(|d| match d {
            InstanceTypeDeclaration::Type(ty) => component_type(ty, inner),
            _ => Ok(()),
        }),
        ComponentType::Component(declarations) => declarations.iter().try_for_each(|d| match d {
            ComponentTypeDeclaration::Type(ty) => component_type(ty, inner),
            _ => Ok(()),
        }),
        ComponentType::Func(_) | ComponentType::Resource { .. } => Ok(()),
    }
}

fn defined_type(ty: &ComponentDefinedType<'_>) -> Result<(), AdmissionError> {
    let cases = match ty {
        ComponentDefinedType::Record(v) => v.len(),
        ComponentDefinedType::Variant(v) => v.len(),
        ComponentDefinedType::Tuple(v) => v.len(),
        ComponentDefinedType::Flags(v) | ComponentDefinedType::Enum(v) => v.len(),
        _ => 0,
    };
    if cases > MAX_CASES {
        return Err(AdmissionError::OutOfBounds(format!(
            "a type has {cases} cases, fields or flags; at most {MAX_CASES} are admitted"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

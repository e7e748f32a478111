//! Catalogues: what each capability function does to the world, said by the host. A plugin's WIT says
//! only how a function is called; its class, its scope and its resource come from here and from nowhere
//! else, so nothing a plugin or an agent says changes them.

mod answer;
mod argv;
mod check;
mod command;
mod pattern;
mod programs;
mod raw;
mod resolve;
mod shape;
mod template;
mod wit;

pub use command::{Command, Prepared, Step};
pub use pattern::{Pattern, SEGMENT};
pub use raw::wit_path;
pub use resolve::ResolvedCall;
pub use template::Template;
pub use wit::WitPackage;

use crate::{
    AuthorityError,
    vocabulary::{Class, InterfaceName, Scope},
};
use std::{collections::BTreeMap, sync::Arc};

/// One catalogue as text, with the WIT it names.
#[derive(Debug, Clone)]
pub struct CatalogueSource {
    /// The catalogue file, for messages.
    pub file: String,
    /// Its TOML text.
    pub text: String,
    /// The WIT files of one package: name for messages, and text.
    pub wit: Vec<(String, String)>,
}

/// Every capability interface of a host.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    interfaces: BTreeMap<InterfaceName, Interface>,
}

/// One capability interface.
#[derive(Debug, Clone)]
pub struct Interface {
    /// Its exact name.
    pub name: InterfaceName,
    /// The provider that performs its calls; `exec:NAME` where programs do.
    pub provider: String,
    /// Its functions, all of them.
    pub functions: BTreeMap<String, Function>,
    /// The WIT package it is from: what a plugin's import is compared with.
    pub wit: Arc<WitPackage>,
}

/// What the names of providers begin with that run a catalogue's programs. No provider of a host can be
/// called so: a catalogue cannot write it.
const EXEC: &str = "exec:";

impl Interface {
    /// The name that the catalogue gives its programs, where they serve this interface.
    pub fn exec(&self) -> Option<&str> {
        self.provider.strip_prefix(EXEC)
    }

    /// The most dangerous class among its functions; `read` where it has none.
    pub fn class(&self) -> Class {
        self.functions.values().map(|f| f.class).max().unwrap_or(Class::Read)
    }
}

/// One capability function.
#[derive(Debug, Clone)]
pub struct Function {
    /// What it does to the world.
    pub class: Class,
    /// Whether it touches its resource alone or all below.
    pub scope: Scope,
    /// The resource it touches, as a template over its arguments.
    pub resource: Template,
    /// The parameters in order, named by the host's WIT.
    pub parameters: Vec<Parameter>,
    /// How the function's result can say `denied`.
    pub denied: DeniedCase,
    /// The programs that serve it, where no provider of the host does.
    pub command: Option<Arc<Command>>,
}

/// One parameter of a capability function.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name in the host's WIT.
    pub name: String,
    /// What the catalogue demands of its value.
    pub constraint: Constraint,
}

/// Bounds on an argument. Numbers compare as integers; `max-length` counts bytes of UTF-8; a pattern is
/// for each string in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraint {
    /// The least value.
    pub min: Option<i64>,
    /// The greatest value.
    pub max: Option<i64>,
    /// The longest string, in bytes.
    pub max_length: Option<u64>,
    /// What each string matches as a whole.
    pub pattern: Option<Pattern>,
}

/// Whether a function's WIT result has an error case `denied`, and what it carries. Without one a
/// refused call ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedCase {
    /// There is none.
    Absent,
    /// `denied` without a payload.
    Bare,
    /// `denied(string)`: `code: sentence`.
    Text,
}

impl Catalogue {
    /// Reads catalogues and checks them against their WIT.
    ///
    /// # Errors
    /// The first thing that does not fit, with its file and line.
    pub fn load(sources: &[CatalogueSource]) -> Result<Self, AuthorityError> {
        let mut catalogue = Self::default();
        for source in sources {
            for (line, interface) in check::interfaces(source)? {
                let name = interface.name.clone();
                if catalogue.interfaces.insert(name.clone(), interface).is_some() {
                    return Err(AuthorityError::Catalogue {
                        file: source.file.clone(),
                        line,
                        message: format!(
                            "another catalogue already describes `{name}`; keep one of the two"
                        ),
                    });
                }
            }
        }
        Ok(catalogue)
    }

    /// All interfaces, by name.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.interfaces.values()
    }
    /// One interface by its exact name.
    pub fn interface(&self, name: &InterfaceName) -> Option<&Interface> {
        self.interfaces.get(name)
    }
    /// What programs serve, of all interfaces.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        let functions = self.interfaces.values().flat_map(|i| i.functions.values());
        functions.filter_map(|function| function.command.as_deref())
    }
    /// One function by exact names.
    pub fn function(&self, interface: &InterfaceName, function: &str) -> Option<&Function> {
        self.interfaces.get(interface).and_then(|i| i.functions.get(function))
    }
}

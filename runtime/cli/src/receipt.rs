//! Receipts on the command line: shown, and verified with a key and nothing else of the host. Whether a file
//! is a receipt or an export is told by its content; which of the two keys was handed over, by its form.

use super::{
    Ending,
    output::{BOLD, GREEN, Output, RED, YELLOW, plain, styled},
    problem::Problem,
};
use interlock::{
    Config, HostError,
    providers::open_regular,
    record::{
        Journal,
        receipt::{Receipt, against_export, issue},
        signer, space,
    },
    response::EffectStatus,
    statement::{Envelope, MAX_ENVELOPE, PREFIX, Statement, StatementKey, StatementSigner},
};
use interlock_journal::LogIdentity;
use serde_json::{Value, json};
use std::{fs::OpenOptions, io::Read, path::Path};

/// The keys to verify with: the ones that were given, else the configuration's.
pub(super) struct Keys<'c> {
    log: Option<LogIdentity>,
    statement: Option<StatementKey>,
    config: Option<&'c Path>,
}

impl<'c> Keys<'c> {
    /// Reads the keys that were given; where there are none, the configuration has them.
    pub(super) fn parse(given: &[String], config: &'c Path) -> Result<Self, Problem> {
        let config = given.is_empty().then_some(config);
        let mut keys = Self { log: None, statement: None, config };
        for text in given {
            let twice = if text.starts_with(PREFIX) {
                let key = StatementKey::parse(text).map_err(|e| Problem::usage(e.to_string()))?;
                keys.statement.replace(key).is_some()
            } else {
                let key = LogIdentity::parse(text)
                    .map_err(|e| Problem::usage(format!("the log's key cannot be read: {e}")))?;
                keys.log.replace(key).is_some()
            };
            if twice {
                return Err(Problem::usage("two keys of one kind were given; name one"));
            }
        }
        Ok(keys)
    }

    /// The log's key.
    pub(super) fn log(&self) -> Result<LogIdentity, Problem> {
        match (&self.log, self.config) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(config)) => Ok(signer(&Config::load(config)?.state)?.identity().clone()),
            (None, None) => Err(Problem::usage(
                "this is an export, and the key is one for statements; give the log's key, `interlock/…`",
            )),
        }
    }

    /// The key of statements.
    fn statement(&self) -> Result<StatementKey, Problem> {
        match (&self.statement, self.config) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some(config)) => {
                let config = Config::load(config)?;
                Ok(StatementSigner::in_state(&config.state)?.public().clone())
            }
            (None, None) => Err(Problem::usage(format!(
                "this is a receipt, and the key is a log's; give the statement key, `{PREFIX}…`"
            ))),
        }
    }
}

/// Whether a file is a receipt: JSON. An export is a tar, which begins with a name.
pub(super) fn is_one(file: &Path) -> Result<bool, Problem> {
    let head = read(file, 512)?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}

fn read(file: &Path, most: usize) -> Result<Vec<u8>, HostError> {
    let failed = || format!("cannot read {}", file.display());
    let opened =
        open_regular(OpenOptions::new().read(true), file).map_err(HostError::io(failed()))?;
    let mut bytes = Vec::new();
    opened.take(most as u64).read_to_end(&mut bytes).map_err(HostError::io(failed()))?;
    Ok(bytes)
}

/// Reads an envelope; nothing of it is verified.
fn envelope(file: &Path) -> Result<Envelope, Problem> {
    let bytes = read(file, MAX_ENVELOPE + 1)?;
    Envelope::read(&bytes).map_err(|e| broken(file, e.into()))
}

/// Names the file in an error.
fn broken(file: &Path, error: HostError) -> Problem {
    let message = format!("the receipt {} is not to be believed: {error}", file.display());
    Problem::from(error).message(message)
}

/// Verifies a receipt with the statement key alone.
pub(super) fn verify(file: &Path, keys: &Keys<'_>, output: &Output) -> Ending {
    let (envelope, key) = (envelope(file)?, keys.statement()?);
    let statement =
        Statement::<Receipt>::open(&envelope, &key).map_err(|e| broken(file, e.into()))?;
    let told = json!({"status": "verified", "statement": statement});
    output.result(&told, || {
        format!("{}: signed by the statement key\n{}", styled(GREEN, "verified"), text(&statement))
    });
    Ok(0)
}

/// Verifies a receipt against an export.
pub(super) fn against(export: &Path, receipt: &Path, keys: &Keys<'_>, output: &Output) -> Ending {
    let (envelope, log) = (envelope(receipt)?, keys.log()?);
    // The log says which key was in force; one that was given must be that one.
    let compared = against_export(export, &log, &envelope, keys.statement.as_ref())
        .map_err(|e| broken(receipt, e))?;
    let told = json!({"status": "verified", "leaves": compared.leaves, "erased": compared.erased,
        "statement_key": compared.key.to_string(), "statement": compared.statement});
    output.result(&told, || {
        let named = compared.statement.predicate.leaves.len();
        let erased = match compared.erased.as_slice() {
            [] => String::new(),
            some => format!(
                "\n{}: what {} of them said was erased since; the leaves are the ones that were signed for",
                styled(YELLOW, "erased"),
                some.len()
            ),
        };
        format!(
            "{}: {named} leaves of the {} in the export say the same, and no others are of this invocation{erased}\n{}",
            styled(GREEN, "verified"),
            compared.leaves,
            text(&compared.statement)
        )
    });
    Ok(0)
}

/// Prints the receipt of an invocation.
pub(super) async fn show(
    journal: &Journal,
    config: &Config,
    id: &str,
    output: &Output,
) -> Result<(), Problem> {
    if journal.find(space::INVOCATION, id)?.is_empty() {
        let message = format!("the journal has no invocation `{}`", plain(id));
        return Err(Problem::new(2, "no-entry", message)
            .more("  A receipt is of one invocation; `interlock journal list` shows them."));
    }
    let signer = StatementSigner::in_state(&config.state)?;
    output.data(&issue(journal, &signer, id).await?);
    Ok(())
}

/// A receipt in words.
fn text(statement: &Statement<Receipt>) -> String {
    let receipt = &statement.predicate;
    let plugin =
        statement.subject().first().map(|s| (s.name.as_str(), s.digest.sha256.to_string()));
    let (plugin, digest) = plugin.unwrap_or_default();
    let mut out = format!(
        "  invocation  {}   {}\n  asked by    {}\n  tool        {}\n  plugin      sha256 {digest}\n  run         {}\n",
        plain(&receipt.invocation),
        styled(BOLD, plain(receipt.end.as_deref().unwrap_or("(no end)"))),
        plain(&receipt.principal.to_string()),
        plain(&format!("{plugin}.{}", receipt.tool)),
        word(&receipt.mode),
    );
    for effect in &receipt.effects {
        let style = if effect.status == EffectStatus::Done { GREEN } else { RED };
        out.push_str(&format!(
            "  effect {:<3}  {}  {}  {}  {}\n",
            effect.step,
            styled(style, format!("{:<7}", effect.status.as_str())),
            effect.class,
            plain(&effect.resource.to_string()),
            plain(&effect.function)
        ));
    }
    if let Some(approval) = &receipt.approval {
        out.push_str(&format!("  approval    {}\n", plain(&approval.request)));
        for person in &approval.people {
            let touch = match person.presence {
                Some(true) => "  (touch confirmed)",
                Some(false) => "  (no touch)",
                None => "",
            };
            out.push_str(&format!(
                "              {}  {}{touch}\n",
                plain(&person.person),
                plain(&person.fingerprint)
            ));
        }
    }
    let solo = if receipt.terms.solo { "on" } else { "off" };
    out.push_str(&format!(
        "  solo {solo}, presence {}\n  journal     {}, {} leaves\n",
        word(&receipt.terms.presence),
        plain(&receipt.journal.origin),
        receipt.journal.size
    ));
    out
}

/// The word of a plain value.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    value.as_str().unwrap_or_default().to_owned()
}

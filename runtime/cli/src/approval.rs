//! `interlock approval`: the desk where people read, sign, deny and revoke. What is signed is what is shown:
//! the document is rendered from the journal's proven bytes, and a signature made elsewhere, over `show
//! --raw`, is as good as one made here.

use super::{
    Ending,
    arguments::{ApprovalArguments, ApprovalCommand},
    output::{BOLD, GREEN, Output, YELLOW, plain, styled},
    problem::Problem,
    shell,
};
use interlock::{
    Config, Host,
    config::edit::read_text,
    desk::{Approver, Case, Shown, Signed},
};
use interlock_authority::{
    request::Wish,
    signature::{NAMESPACE, sign},
};
use serde_json::json;
use ssh_key::PrivateKey;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::Path,
    process::{Command, Stdio},
};

/// The most requests that a list shows.
const MOST: u64 = 50;

pub(super) async fn run(arguments: &ApprovalArguments, file: &Path, output: &Output) -> Ending {
    let host = Host::builder(Config::load(file)?).build()?;
    let desk = Approver::of(&host);
    match &arguments.command {
        ApprovalCommand::List => {
            let all = desk.list(MOST)?;
            output.result(&all, || list(&all));
        }
        ApprovalCommand::Show { id, raw } => {
            let case = desk.case(id)?;
            if *raw {
                output.raw(case.document.as_bytes());
            } else {
                let shown = desk.shown(id)?;
                output.result(&json!({"request": shown, "document": case.document}), || {
                    format!("{}\n{}", case.document, one(&shown))
                });
            }
        }
        ApprovalCommand::Approve { id, key, signature, digest } => {
            let case = desk.case(id)?;
            agree(&case, digest.as_deref(), output)?;
            let armoured = match (key, signature) {
                (Some(key), None) => signed_with(key, &case)?,
                (None, Some(signature)) => read_text(signature)?,
                _ => {
                    return Err(Problem::usage(
                        "sign with `--key FILE`, or bring a signature with `--signature FILE`",
                    ));
                }
            };
            let signed = desk.approve(id, &armoured).await?;
            output.result(&signed, || thanks(&signed, &case.body.wish));
        }
        ApprovalCommand::Deny { id, reason } => {
            desk.deny(id, &by(), reason).await?;
            output.result(&json!({"status": "denied", "request": id}), || format!("denied {id}"));
        }
        ApprovalCommand::Revoke { id } => {
            desk.revoke(id, &by()).await?;
            output.result(&json!({"status": "revoked", "request": id}), || format!("revoked {id}"));
        }
    }
    Ok(0)
}

/// Whoever is logged in. A denial takes authority away from nobody but the asker, so it needs no key.
pub(super) fn by() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "operator".into())
}

/// Makes sure that whoever signs has read what it is about: they type the resource, or off a terminal give
/// the whole digest that the document shows.
fn agree(case: &Case, digest: Option<&str>, output: &Output) -> Result<(), Problem> {
    if let Some(digest) = digest {
        return if digest.trim_start_matches("sha256:") == case.digest.to_string() {
            Ok(())
        } else {
            let message = "the digest is not the one that the document shows; read it again with `interlock approval show`";
            Err(Problem::new(3, "other-digest", message))
        };
    }
    if !std::io::stdin().is_terminal() {
        let message = format!(
            "off a terminal, say what you sign: --digest {} (read the document first: `interlock approval show {}`)",
            "SHA256", case.body.id
        );
        return Err(Problem::usage(message));
    }
    output.aside(&case.document);
    let challenge = case.body.wish.challenge();
    let what = if case.body.destroys() { "This destroys" } else { "This changes" };
    let _ = write!(
        std::io::stderr(),
        "{what} {}. Type its name to sign: ",
        styled(BOLD, plain(&challenge))
    );
    let mut typed = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut typed)
        .map_err(|e| Problem::usage(format!("cannot read what was typed: {e}")))?;
    if typed.trim() == challenge {
        Ok(())
    } else {
        Err(Problem::new(3, "not-confirmed", "that is not its name; nothing was signed"))
    }
}

/// Signs with a key file; one that lives in hardware signs through `ssh-keygen`.
fn signed_with(key: &Path, case: &Case) -> Result<String, Problem> {
    let text = read_text(key)?;
    let unreadable = |e: ssh_key::Error| {
        Problem::new(2, "key", format!("{}: {e}", key.display()))
            .more("  A private key in OpenSSH's format is needed, such as ~/.ssh/id_ed25519.")
    };
    let mut private = PrivateKey::from_openssh(text.as_bytes()).map_err(unreadable)?;
    if private.key_data().is_sk_ed25519()
        || private.key_data().is_sk_ecdsa_p256()
        || private.is_encrypted()
    {
        return through_ssh_keygen(key, case);
    }
    private.set_comment("");
    sign(&private, case.document.as_bytes()).map_err(unreadable)
}

/// Lets `ssh-keygen` ask for a touch or a passphrase.
fn through_ssh_keygen(key: &Path, case: &Case) -> Result<String, Problem> {
    let failed = |e: std::io::Error| Problem::new(2, "key", format!("cannot run ssh-keygen: {e}"));
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(case.document.as_bytes()).map_err(failed)?;
    }
    let out = child.wait_with_output().map_err(failed)?;
    if !out.status.success() {
        return Err(Problem::new(2, "key", "ssh-keygen did not sign"));
    }
    String::from_utf8(out.stdout).map_err(|_| Problem::new(2, "key", "ssh-keygen said no text"))
}

fn thanks(signed: &Signed, wish: &Wish) -> String {
    let (have, need) =
        signed.tally.groups.values().fold((0u32, 0u32), |(h, n), (have, need)| {
            (h + u32::from(*have), n + u32::from(*need))
        });
    let touch = if signed.signer.presence == Some(true) { "   (touch confirmed)" } else { "" };
    let rest = if signed.missing.is_empty() {
        let next = match wish {
            Wish::Plan { .. } => "The asker's next call with this request applies it, once.",
            Wish::Elevation { .. } => "`interlock grant request`, run again, brings it into force.",
            Wish::Epoch { .. } => "`interlock config accept`, run again, puts the rules in force.",
        };
        format!("\nEnough people agreed. {next}")
    } else {
        format!("\nStill needed: {}.", plain(&signed.missing))
    };
    format!(
        "{} {}   {have} of {need}{touch}{rest}",
        styled(GREEN, "signed by"),
        plain(&signed.signer.principal)
    )
}

fn list(all: &[Shown]) -> String {
    if all.is_empty() {
        return "no requests".to_owned();
    }
    all.iter().map(line).collect()
}

fn line(shown: &Shown) -> String {
    format!(
        "{}  {}  {}  {}  until {}\n",
        shown.request,
        styled(YELLOW, format!("{:<8}", shown.state.as_str())),
        plain(&shown.asked_by),
        plain(&shown.wish),
        shown.expires
    )
}

fn one(shown: &Shown) -> String {
    let mut out = format!("STATE  {}\n", shown.state.as_str());
    for signer in &shown.tally.counted {
        out.push_str(&format!(
            "signed by {}  {}\n",
            plain(&signer.principal),
            plain(&signer.fingerprint)
        ));
    }
    if !shown.tally.met {
        let missing = interlock_authority::desk::missing(&shown.tally);
        out.push_str(&format!("still needed: {}\n", plain(&missing)));
    }
    let id = shell::word(&shown.request);
    out.push_str(&format!(
        "\nsign here:       interlock approval approve {id} --key FILE\nsign elsewhere:  interlock approval show {id} --raw > doc.txt\n                 ssh-keygen -Y sign -n {NAMESPACE} -f KEY doc.txt\n                 interlock approval approve {id} --signature doc.txt.sig --digest {}",
        shown.document
    ));
    out
}

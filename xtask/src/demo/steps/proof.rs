//! What happened can be proven afterwards, and a change of one bit is found.
// INVARIANT JOURNAL-TELLS, shown from outside.

use anyhow::{Context, Result};

use crate::demo::scene::Scene;

pub(super) fn proof(scene: &mut Scene<'_>) -> Result<()> {
    scene.tell("All of it is in the journal: a Merkle log with a signed head.");
    let list = scene.interlock(&["journal", "list", "--last", "12"])?;
    scene.check_exit("read by a person", &list, 0);
    let verify = scene.interlock(&["journal", "verify"])?;
    scene.check_exit("verified against its signed head", &verify, 0);
    let export = scene.beside("export.tar");
    let exported = scene.interlock(&["journal", "export", &export])?;
    scene.check_exit("exported", &exported, 0);
    let verified = scene.interlock(&["journal", "verify", &export])?;
    scene.check_exit("the export is verified with the log's public key alone", &verified, 0);
    scene.tell("Somebody changes one bit of it: the word `intent` of the first effect.");
    let mut bytes = std::fs::read(&export)?;
    let word = b"\"intent\"";
    let at = bytes.windows(word.len()).position(|window| window == word);
    let byte = at.and_then(|at| bytes.get_mut(at + 1)).context("the export names no intent")?;
    *byte ^= 1;
    std::fs::write(&export, bytes)?;
    let broken = scene.interlock(&["journal", "verify", &export])?;
    scene.check_exit("found", &broken, 6);
    let named = broken.stderr.contains("leaf");
    scene.check("and named: the byte, and the leaf it is in", named, "interlock journal verify");
    Ok(())
}

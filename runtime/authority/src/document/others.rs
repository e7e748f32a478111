//! What people read when they are asked for more than a plan: more authority for a while, or other rules.
//! Both say exactly what is added or changed; neither ever lets something be destroyed by itself.

use super::escape::{escape, wrap};
use crate::{epoch::Epoch, request::Elevation};

/// Writes an elevation, and gives the words of the last line.
pub(super) fn elevation(elevation: &Elevation, lines: &mut Vec<String>) -> String {
    lines.push("THIS ADDS ONLY, TO WHAT THE PLUGIN MAY DO ALREADY:".to_owned());
    lines.push(String::new());
    for line in &elevation.adds {
        lines.extend(wrap(&escape(line), 74).into_iter().map(|l| format!("  + {l}")));
    }
    lines.push(String::new());
    lines.push(format!(
        "At most {} effect{}, for {} seconds from when it comes into force.",
        elevation.effects,
        if elevation.effects == 1 { "" } else { "s" },
        elevation.seconds
    ));
    lines.push(
        "Only when the asker calls the plugin with these bytes, under these rules.".to_owned(),
    );
    lines.push("Policies still decide each effect. Nothing of class destroy is added.".to_owned());
    format!("{} addition{}", elevation.adds.len(), if elevation.adds.len() == 1 { "" } else { "s" })
}

/// Writes a change of the rules, and gives the words of the last line.
pub(super) fn epoch(
    from: &Epoch,
    to: &Epoch,
    changes: &[String],
    lines: &mut Vec<String>,
) -> String {
    lines.push("THE RULES OF THIS HOST CHANGE:".to_owned());
    lines.push(String::new());
    let parts = [
        ("policies", from.policies, to.policies),
        ("catalogues", from.catalogues, to.catalogues),
        ("approvers", from.approvers, to.approvers),
    ];
    for (part, old, new) in parts {
        if old == new {
            lines.push(format!("  {part}: unchanged"));
        } else {
            lines.push(format!("  {part}: CHANGED"));
            lines.push(format!("    from {old}"));
            lines.push(format!("    to   {new}"));
        }
    }
    lines.push(String::new());
    lines.push("LINE BY LINE (- the old rules, + the new ones):".to_owned());
    for change in changes {
        // A line that is longer than the page goes on below, marked as such.
        let mut lead = "  ";
        for part in wrap(&escape(change), 74) {
            lines.push(format!("{lead}{part}"));
            lead = "    . ";
        }
    }
    lines.push(String::new());
    lines.push("Until people of the old rules agree, nothing has an effect here.".to_owned());
    "rules".to_owned()
}

//! Delete one CloudFormation stack, over `examples/capabilities/aws`: a tool with a real need for what cannot be
//! taken back. A host grants it that on purpose, and each run still waits for people.

use interlock_guest::prelude::*;

mod aws {
    //! The client, made from the platform's own WIT.
    wit_bindgen::generate!({
        path: "../capabilities/aws/acme-aws.wit",
        inline: "
            package example:retire-stack;
            world imports {
                import acme:aws/stacks@1.0.0;
                import acme:aws/stack-removal@1.0.0;
            }
        ",
        world: "example:retire-stack/imports",
        generate_all,
    });
    pub use acme::aws::types::Error;
    pub use acme::aws::{stack_removal, stacks};
}

use aws::Error;

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Self::denied(why),
            Error::NotFound => Self::failed("there is no such stack"),
            Error::Conflict(why) => Self::failed(why).context("the stack has changed"),
            Error::Failed(why) => Self::failed(why),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Order {
    /// The stack, by its name.
    stack: String,
    /// Why, for the people who decide: one sentence.
    #[schemars(length(min = 1))]
    reason: String,
}

#[derive(Serialize, JsonSchema)]
struct Retired {
    /// The stack's id: `stack-status` of the name ends once it is gone.
    id: String,
    reason: String,
}

/// Begin to delete one stack and everything in it.
#[tool]
fn retire(order: Order) -> Result<Retired, ToolError> {
    let Order { stack, reason } = order;
    let seen = aws::stacks::stack_status(&stack)?;
    if let Some(why) = kept(&seen.status, seen.protected) {
        return Err(ToolError::failed(why));
    }
    // Nothing is read after the effect, so the plan that people see is the whole of it.
    aws::stack_removal::delete_stack(&stack)?;
    Ok(Retired { id: seen.id, reason })
}

/// Why a stack in this state is not deleted: people would be asked for what cannot happen.
fn kept(status: &str, protected: bool) -> Option<&'static str> {
    if protected {
        return Some("the stack has termination protection; nobody needs to be asked");
    }
    status.ends_with("_IN_PROGRESS").then_some("the stack is being changed just now; wait for it")
}

plugin!(retire);

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn people_are_not_asked_for_what_cannot_happen() {
        assert!(kept("CREATE_COMPLETE", true).is_some());
        assert!(kept("UPDATE_IN_PROGRESS", false).is_some());
        assert_eq!(kept("UPDATE_ROLLBACK_COMPLETE", false), None);
    }
}

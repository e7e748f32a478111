//! `?` makes a `ToolError` of what a tool meets, and a denial stays a denial.

use interlock_guest::environment::Error;
use interlock_guest::prelude::*;

fn with<E>(error: E) -> ToolError
where
    ToolError: From<E>,
{
    let tool = || -> Result<(), ToolError> { Err(error)? };
    let Err(error) = tool() else { panic!("`?` did not return") };
    error
}

#[test]
fn a_denied_capability_call_is_a_denial() {
    let error = with(Error::Denied("withheld: not for this tool".into()));
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.message(), "withheld: not for this tool");
    assert_eq!(error.details(), None);
}

#[test]
fn any_other_capability_error_is_a_failure_that_names_its_case() {
    let cases = [
        (Error::NotFound("x".into()), "not-found", "not found: x"),
        (Error::Invalid("x".into()), "invalid", "invalid: x"),
        (Error::Conflict("x".into()), "conflict", "the world moved: x"),
        (Error::Failed("x".into()), "failed", "failed: x"),
    ];
    for (error, case, message) in cases {
        let error = with(error);
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(error.message(), message);
        assert_eq!(error.details(), Some(&json!({ "error": case })));
    }
}

#[test]
fn words_and_standard_errors_are_failures() {
    assert_eq!(with("no luck"), ToolError::failed("no luck"));
    assert_eq!(with(String::from("no luck")), ToolError::failed("no luck"));
    assert_eq!(with("x".parse::<u8>().unwrap_err()).kind(), ErrorKind::Failed);
    assert_eq!(with(std::io::Error::other("disk")).message(), "disk");
    assert_eq!(with(Box::<dyn std::error::Error>::from("boxed")).message(), "boxed");
}

#[test]
fn an_error_can_say_more() {
    let error =
        ToolError::failed("no such file").context("reading the ledger").with_details([1, 2]);
    assert_eq!(error.to_string(), "failed: reading the ledger: no such file");
    assert_eq!(error.details(), Some(&json!([1, 2])));
    assert_eq!(ToolError::denied("no").kind(), ErrorKind::Denied);
    assert_eq!(ToolError::invalid_arguments("no").kind(), ErrorKind::InvalidArguments);
}

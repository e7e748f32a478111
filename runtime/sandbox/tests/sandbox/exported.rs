//! Which exports are tools, under which names, and what is said of the others: each rule at its edge.

use crate::{
    harness::{REMEDIATE, admit, inspect, run},
    sdk_form::{ECHO, def, sdk},
    text::{ADD, import, restarter},
};
use interlock_sandbox::{AdmissionError, Artifact, Form, RunOutcome};
use serde_json::json;

/// A component with a function `$f` of one number, and these exports.
fn exporting(exports: &str) -> String {
    format!(
        r#"(component
      (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
      (core instance $i (instantiate $m))
      (func $f (param "x" u32) (result u32) (canon lift (core func $i "f")))
      (instance $one (export "f" (func $f)))
      {exports})"#
    )
}

async fn tools(exports: &str) -> (Vec<String>, Vec<String>) {
    let inspection = inspect(&exporting(exports)).await.unwrap();
    (inspection.tools.into_iter().map(|tool| tool.name).collect(), inspection.passed_over)
}

#[tokio::test]
async fn what_is_no_tool_is_passed_over_and_said() {
    let tool = r#"(export "f" (func $f))"#;
    for (export, says) in [
        (
            r#"(export "interlock:tool/tools@0.2.0" (instance $one))"#,
            Some(
                "`interlock:tool/tools@0.2.0` is another version; this host speaks `interlock:tool/tools@0.1.0`",
            ),
        ),
        (
            r#"(export "wasi:cli/run@0.2.0" (instance $one))"#,
            Some("`wasi:cli/run@0.2.0` is an entry point of WASI, not a tool"),
        ),
        (
            r#"(export "exports" (instance $one))"#,
            Some("`exports` is an interface of componentize-py's own"),
        ),
        (r#"(export "m" (core module $m))"#, Some("`m` is neither a function nor an interface")),
        (
            r#"(export "SHOUT" (func $f))"#,
            Some("`SHOUT`: its name is not of the form [a-z0-9][a-z0-9-]{0,62}"),
        ),
        // Types are what functions are made of.
        (r#"(type $t' (enum "a")) (export $t "t" (type $t'))"#, None),
    ] {
        let (tools, passed_over) = tools(&format!("{tool} {export}")).await;
        assert_eq!(tools, ["f"], "{export}");
        assert_eq!(passed_over, says.into_iter().collect::<Vec<_>>());
        // Where it is all there is, that is why there are no tools.
        let error = inspect(&exporting(export)).await.unwrap_err();
        let AdmissionError::NoTools { passed_over } = error else { panic!("{error}") };
        assert_eq!(passed_over, says.into_iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_a_name_begins_with_alone_does_not_pass_it_over() {
    for name in ["interlock:tools/f@0.1.0", "wasix:cli/f@0.2.0", "exported"] {
        let (tools, passed_over) = tools(&format!("(export \"{name}\" (instance $one))")).await;
        assert_eq!((tools.len(), passed_over.len()), (1, 0), "{name}");
    }
}

/// A function of an interface is described by the interface too; types in it are no tools.
#[tokio::test]
async fn functions_of_interfaces_are_tools() {
    let text = exporting(
        r#"(type $t' (enum "a"))
        (component $Shim (import "f" (func $f (param "x" u32) (result u32)))
          (type $t'' (enum "a")) (export $t "t" (type $t''))
          (export "f" (func $f)))
        (instance $both (instantiate $Shim (with "f" (func $f))))
        (export "docs:one/left@1.0.0" (instance $both))"#,
    );
    let admitted = admit(&text, &[]).await.unwrap();
    assert_eq!((admitted.form, admitted.tools.len()), (Form::Wit, 1));
    let tool = admitted.tool("f").unwrap();
    assert_eq!(tool.description, "`docs:one/left@1.0.0` `f`: func(x: u32) -> u32");
    assert_eq!((&tool.title, &tool.uses), (&None, &None));
    assert_eq!(admitted.passed_over, Vec::<String>::new());
    assert!(admitted.tool("g").is_none());
    assert_eq!(run(&admitted, "f", json!({"x": 3})).await.outcome, RunOutcome::Returned(json!(3)));
}

/// Where several have one name, the interface tells them apart; what still has the name of another is no tool.
#[tokio::test]
async fn a_tool_name_is_one_tools_alone() {
    let two = |a: &str, b: &str| {
        format!("(export \"{a}\" (instance $one)) (export \"{b}\" (instance $one))")
    };
    let (names, passed_over) = tools(&two("docs:one/left@1.0.0", "docs:two/right")).await;
    assert_eq!(names, ["left-f", "right-f"]);
    assert_eq!(passed_over, Vec::<String>::new());
    let (names, passed_over) = tools(&two("docs:one/left@1.0.0", "docs:two/left@1.0.0")).await;
    assert_eq!(names, ["left-f"]);
    let says = "`docs:two/left@1.0.0` `f`: the tool name `left-f` is taken or too long";
    assert_eq!(passed_over, [says]);
    // A plain function keeps its own name.
    let plain = r#"(export "f" (func $f)) (export "docs:one/left@1.0.0" (instance $one))"#;
    assert_eq!(tools(plain).await.0, ["f", "left-f"]);
    for (letters, kept) in [(61, 2), (62, 1)] {
        let long = "l".repeat(letters);
        let (names, passed_over) = tools(&two(&format!("docs:one/{long}"), "docs:two/right")).await;
        assert_eq!(names.len(), kept, "{names:?}");
        assert_eq!(passed_over.len(), 2 - kept);
    }
}

#[tokio::test]
async fn so_many_tools_and_no_more() {
    let many = |n: usize| {
        let exports: String = (0..n).map(|n| format!("(export \"f{n}\" (func $f))")).collect();
        exporting(&exports)
    };
    assert_eq!(inspect(&many(128)).await.unwrap().tools.len(), 128);
    let error = inspect(&many(129)).await.unwrap_err();
    let says = "it has more than 128 tools";
    assert!(matches!(&error, AdmissionError::OutOfBounds(m) if m == says), "{error}");
    // Nor are all of them looked at.
    for (functions, says) in [(4096, "than 128 tools"), (4097, "4097 functions"), (4098, "4098")] {
        let error = inspect(&many(functions)).await.unwrap_err();
        assert!(matches!(&error, AdmissionError::OutOfBounds(m) if m.contains(says)), "{error}");
    }
}

#[tokio::test]
async fn a_long_signature_is_cut_in_the_description() {
    let text = |len: usize| {
        let name = "n".repeat(len);
        ADD.replace("\"a\"", &format!("\"{name}\""))
    };
    // `func(NAME: u32, b: u32) -> u32`
    for (len, cut) in [(1_974, 0), (1_975, 1)] {
        let inspection = inspect(&text(len)).await.unwrap();
        let description = &inspection.tools[0].description;
        assert_eq!(description.len(), "`add`: ".len() + 2_000);
        let signature = "-> u32".get(..6 - cut).unwrap();
        assert!(description.ends_with(signature), "{description:.60}");
    }
}

/// A plugin of the SDK has the tools that it describes, whatever else it exports.
#[tokio::test]
async fn beside_the_contract_nothing_is_a_tool() {
    let text = sdk(&[def("heal")], "", "", ECHO);
    let also = r#"
      (core module $p (func (export "p")))
      (core instance $p (instantiate $p))
      (func $plain (canon lift (core func $p "p")))
      (export "extra" (func $plain))
      (instance $more (export "call" (func $plain)))
      (export "docs:one/left@1.0.0" (instance $more))
      (export "interlock:tool/tools@0.2.0" (instance $tools)))"#;
    let text = format!("{}{also}", text.strip_suffix(')').unwrap());
    let admitted = admit(&text, &[]).await.unwrap();
    assert_eq!((admitted.form, admitted.tools.len()), (Form::Sdk, 1));
    let beside = "beside `interlock:tool/tools@0.1.0`, which alone has this plugin's tools";
    assert_eq!(
        admitted.passed_over,
        [
            "`interlock:tool/tools@0.2.0` is another version; this host speaks `interlock:tool/tools@0.1.0`".to_owned(),
            format!("`extra` is {beside}"),
            format!("`docs:one/left@1.0.0` `call` is {beside}"),
        ]
    );
}

#[tokio::test]
async fn types_are_ours_the_contract_is_both_of_its_functions() {
    let text = sdk(&[def("heal")], "", "", ECHO);
    let describe = r#"(export "describe" (func $describe) (func (result (list $def2))))"#;
    let call = r#"(export "call" (func $call) (func (param "name" string) (param "arguments" string) (result (result string (error $error2)))))"#;
    assert!(text.contains(describe) && text.contains(call));
    let other = exporting(
        r#"(instance $t (export "describe" (func $f)))
        (export "interlock:tool/tools@0.1.0" (instance $t))"#,
    );
    for (wrong, function, says) in [
        (text.replace(describe, ""), "describe", "the plugin does not export it"),
        (text.replace(call, ""), "call", "the plugin does not export it"),
        (other, "describe", "the plugin gives it 1 parameters, the host 0"),
    ] {
        let error = inspect(&wrong).await.unwrap_err();
        let AdmissionError::WrongType { interface, function: at, difference } = &error else {
            panic!("{error}")
        };
        assert_eq!((interface.as_str(), at.as_str()), ("interlock:tool/tools@0.1.0", function));
        assert_eq!(difference, says);
    }
}

/// Two looks at one plugin agree, wherever its artifact came from, and in nothing else may they differ.
#[tokio::test]
async fn an_inspection_agrees_with_what_found_the_same() {
    let found = inspect(ADD).await.unwrap();
    let mut cached = found.clone();
    cached.artifact = Artifact::Cached;
    assert_ne!(found, cached, "it was compiled");
    assert!(found.agrees(&cached) && cached.agrees(&found));
    let mut other = found.clone();
    other.tools[0].description.push('.');
    assert!(!found.agrees(&other) && !other.agrees(&found));
    let admitted = admit(ADD, &[]).await.unwrap();
    assert!(admitted.agrees(&found));
    assert!(format!("{admitted:?}").starts_with("Admitted(Inspection { digest: "), "{admitted:?}");
}

/// The sheet of a plugin: what it is, what it imports, and what it exports.
#[tokio::test]
async fn an_inspection_is_all_that_was_read() {
    let text = restarter(&format!(
        "{} (import \"wasi:random/random@0.2.6\" (instance (export \"get-random-u64\" (func (result u64)))))",
        import(REMEDIATE, "r", &["restart-service"])
    ));
    let plugin = crate::harness::plugin(&text);
    let inspection = inspect(&text).await.unwrap();
    assert_eq!((inspection.digest, inspection.size), (plugin.digest(), plugin.len()));
    assert_eq!(inspection.inert, ["wasi:random/random@0.2.6"]);
    let functions: Vec<_> = inspection.imports.iter().collect();
    assert_eq!(functions.len(), 1);
    assert_eq!(functions[0].0.as_str(), REMEDIATE);
    assert_eq!(functions[0].1.iter().collect::<Vec<_>>(), ["restart-service"]);
    assert_eq!(
        (inspection.unknown, inspection.passed_over, inspection.sdk),
        (vec![], vec![], None)
    );
}

//! Functions of the host's under its own names, with other types: the engine would link each of them.

use super::super::attack::Attack;
use super::attack;
use super::text::around;

const BODY: &str = "(func (export \"run\") (result i32) (i32.const 1))";
const RUN: &str = "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))";
const ERROR: &str = "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e')))";
const MUST: &str = "is refused, with the first difference to the host's own WIT";

fn import(name: &str, what: &str, capability: &str, types: &str, function: &str) -> Attack {
    let import = format!("(import \"interlock:{capability}@0.1.0\" (instance {types} {function}))");
    let mut attack = attack(name, "A5 A6", what, around(&import, BODY, RUN)).refused(2, MUST);
    attack.needs = vec![capability.to_owned()];
    attack
}

pub(super) fn all() -> Vec<Attack> {
    // A handle is nothing that a capability has, whatever is granted.
    let unknown = |mut attack: Attack| {
        attack.needs.clear();
        attack
    };
    let remediate = |name: &str, what: &str, function: &str| {
        import(name, what, "environment/remediate", ERROR, function)
    };
    let other =
        |cases: &str| format!("(type $e' (variant {cases})) (export \"error\" (type $e (eq $e')))");
    vec![
        remediate(
            "swapped",
            "two parameters of one type, swapped",
            "(export \"restart-service\" (func (param \"service\" string) (param \"environment\" string) (result (result (error $e)))))",
        ),
        remediate(
            "renamed",
            "a parameter under another name",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"target\" string) (result (result (error $e)))))",
        ),
        remediate(
            "one-missing",
            "a parameter too few",
            "(export \"restart-service\" (func (param \"environment\" string) (result (result (error $e)))))",
        ),
        remediate(
            "one-more",
            "a parameter too many",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" string) (param \"force\" bool) (result (result (error $e)))))",
        ),
        remediate(
            "bytes-for-text",
            "bytes where the host has text",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" (list u8)) (result (result (error $e)))))",
        ),
        remediate(
            "wider-number",
            "a longer number: 2^32 replicas would be none",
            "(export \"scale-service\" (func (param \"environment\" string) (param \"service\" string) (param \"replicas\" u64) (result (result (error $e)))))",
        ),
        remediate(
            "signed-number",
            "a signed number: -1 replicas",
            "(export \"scale-service\" (func (param \"environment\" string) (param \"service\" string) (param \"replicas\" s32) (result (result (error $e)))))",
        ),
        remediate(
            "no-result",
            "without a result: no refusal could be told",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" string)))",
        ),
        remediate(
            "other-result",
            "another result",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" string) (result (result string (error $e)))))",
        ),
        remediate(
            "bare-result",
            "a result that cannot be an error",
            "(export \"set-config\" (func (param \"environment\" string) (param \"service\" string) (param \"content\" string) (result u32)))",
        ),
        import(
            "cases-reordered",
            "the cases of an error in another order: denied would be failed",
            "environment/remediate",
            &other(
                "(case \"failed\" string) (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string)",
            ),
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" string) (result (result (error $e)))))",
        ),
        import(
            "case-missing",
            "an error that cannot be denied",
            "environment/remediate",
            &other("(case \"failed\" string)"),
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" string) (result (result (error $e)))))",
        ),
        import(
            "option-dropped",
            "a number where the host has perhaps one",
            "environment/observe",
            "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e'))) (type $c' (record (field \"version\" u32) (field \"content\" string) (field \"versions\" (list u32)))) (export \"service-config\" (type $c (eq $c')))",
            "(export \"read-config\" (func (param \"environment\" string) (param \"service\" string) (param \"version\" u32) (result (result $c (error $e)))))",
        ),
        import(
            "fields-reordered",
            "the fields of a record in another order",
            "environment/observe",
            "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e'))) (type $c' (record (field \"content\" string) (field \"version\" u32) (field \"versions\" (list u32)))) (export \"service-config\" (type $c (eq $c')))",
            "(export \"read-config\" (func (param \"environment\" string) (param \"service\" string) (param \"version\" (option u32)) (result (result $c (error $e)))))",
        ),
        unknown(import(
            "a-handle",
            "a handle where the host has text",
            "environment/remediate",
            "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e'))) (export \"r\" (type $r (sub resource)))",
            "(export \"restart-service\" (func (param \"environment\" string) (param \"service\" (borrow $r)) (result (result (error $e)))))",
        )),
    ]
}

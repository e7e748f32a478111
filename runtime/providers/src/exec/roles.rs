//! The three roles, reached as a host reaches them: through a catalogue, an authorization and a permit.

use super::{
    ExecProvider,
    tests::{Bench, acting, gone, hours, look, running, sh},
};
use crate::{
    Forecasted, Forecaster as _, Performed, Performer as _, Reader as _, Told, alone::Alone,
};
use interlock_authority::{Permitted, Planned, ResolvedCall};
use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

struct Roles {
    provider: ExecProvider,
    alone: Alone,
}

impl Roles {
    fn of(bench: &Bench) -> Self {
        let alone = Alone::over(bench.catalogue.clone(), "box", "test");
        Self { provider: ExecProvider { inner: bench.inner.clone() }, alone }
    }

    fn permitted(&self, call: ResolvedCall) -> Permitted {
        self.alone.permit(call).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_nobody_waits_for_ends_its_program() {
    let bench = look("json", &sh(&format!("/bin/sleep {}", hours(7575)), &[]));
    let roles = Roles::of(&bench);
    let permitted = roles.permitted(bench.call("look", "json", &["a"]));
    let waited =
        tokio::time::timeout(Duration::from_millis(300), roles.provider.read(&permitted)).await;
    assert!(waited.is_err(), "{waited:?}");
    assert!(gone(&hours(7575)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_nobody_waits_for_goes_on_to_its_end() {
    let (bench, place) = acting(false);
    let roles = Roles::of(&bench);
    let call = || bench.call("act", "put", &["a", "new"]);
    let Ok(Forecasted::Exact(forecast)) =
        roles.provider.forecast(&roles.permitted(call()), &[]).await
    else {
        panic!("no forecast");
    };
    let permitted = roles.permitted(call());
    let effect = roles.alone.effect(permitted, forecast);
    fs::write(place.join(".slow"), "").unwrap();
    let allowed: crate::StillAllowed = Arc::new(|| Ok(()));
    let performing = roles.provider.perform(&effect, &allowed);
    let waited = tokio::time::timeout(Duration::from_millis(300), performing).await;
    assert!(waited.is_err(), "{waited:?}");
    let happened = || fs::read_to_string(place.join("a")).is_ok_and(|text| text == "new");
    assert!(!happened());
    let ended = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        happened() && running(place.to_str().unwrap()) == 0
    });
    assert!(ended, "it was killed half-way");
    // Once more, against the world that it left, is too late.
    let again = roles.provider.perform(&effect, &allowed).await.unwrap();
    assert!(matches!(again, Performed::Refused { code: "stale", .. }), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_near_an_earlier_effect_of_the_plan_is_no_forecast() {
    let (bench, place) = acting(false);
    fs::write(place.join("b"), "123").unwrap();
    let roles = Roles::of(&bench);
    let asked = |name: &str| roles.permitted(bench.call("act", "put", &[name, "new"]));
    let Ok(Forecasted::Exact(forecast)) = roles.provider.forecast(&asked("a"), &[]).await else {
        panic!("no forecast");
    };
    let earlier = [Planned { call: bench.call("act", "put", &["a", "new"]), forecast }];
    let near = roles.provider.forecast(&asked("a"), &earlier).await.unwrap();
    assert!(
        matches!(&near, Forecasted::Inexact(why) if why.contains("earlier effect")),
        "{near:?}"
    );
    let far = roles.provider.forecast(&asked("b"), &earlier).await.unwrap();
    assert!(matches!(far, Forecasted::Exact(_)), "{far:?}");
}

/// What programs are given while a run plans is counted, as what goes to an endpoint is: reads are carriers, too.
#[test]
fn what_programs_are_given_while_planning_is_counted() {
    let asked = |lines: &str| {
        let bench = look("json", lines);
        let roles = Roles::of(&bench);
        roles.provider.told(&roles.permitted(bench.call("look", "json", &["secret-12"])))
    };
    let argv =
        |more: &str| format!("argv = [\"/bin/true\", \"literals are the catalogue's\"{more}]");
    assert_eq!(asked(&argv("")), Told::Bytes(1));
    assert_eq!(asked(&argv(", \"{name}\"")), Told::Bytes(1 + 9));
    assert_eq!(asked(&argv(", \"--name={name}\", \"{name}\"")), Told::Bytes(1 + 9));
    assert_eq!(asked(&format!("{}\nstdin = \"{{name}}\"", argv(""))), Told::Bytes(1 + 9));
    // Of an effect what its dry run and its revision are given, and not what it is itself.
    let (bench, _) = acting(false);
    let roles = Roles::of(&bench);
    let effect = bench.call("act", "put", &["a", "a content that only the effect reads"]);
    assert_eq!(roles.provider.told(&roles.permitted(effect)), Told::Bytes(2 + 1));
}

/// What a program or the system says of an effect that was not begun is for the operator, and not for a plugin.
#[test]
fn why_an_effect_was_not_begun_is_told_to_the_operator_alone() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    crate::tell_operator(|resource, fault| {
        TOLD.lock().unwrap().push(format!("{resource}: {fault}"));
    });
    let (bench, place) = acting(true);
    fs::write(place.join(".token"), "a long secret").unwrap();
    let call = || bench.call("act", "put", &["a", "new"]);
    let never = std::sync::atomic::AtomicBool::new(false);
    let Forecasted::Exact(forecast) = bench.inner.forecast(&call(), &never).unwrap() else {
        panic!("no forecast");
    };
    let attempt = || {
        let performed =
            bench.inner.perform(&call(), &forecast, &forecast.revision, &|| Ok(())).unwrap();
        let Performed::Refused { code, result } = performed else { panic!("{performed:?}") };
        (code, result.to_string())
    };
    let here = place.to_str().unwrap();
    let told_here = |part: &str| {
        let told = std::mem::take(&mut *TOLD.lock().unwrap());
        told.iter().any(|told| told.starts_with("box/a: ") && told.contains(part))
    };
    // A secret is gone, and then a program says something else than it should.
    fs::remove_file(place.join(".token")).unwrap();
    let (code, words) = attempt();
    assert_eq!(code, crate::NOT_STARTED);
    assert!(words.contains("its log says why") && !words.contains(here), "{words}");
    assert!(told_here(here));
    fs::write(place.join(".token"), "a long secret").unwrap();
    fs::write(place.join("box.sh"), "echo at /etc/passwd >&2; kill -KILL $$").unwrap();
    let (code, words) = attempt();
    assert_eq!(code, "stale");
    assert!(words.contains("its log says why") && !words.contains("passwd"), "{words}");
    assert!(told_here("passwd"));
}

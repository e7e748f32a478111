//! The fake behaves as the WIT says, so that a tool that passes here does not meet surprises there.

use interlock_guest::environment::{Error, Health, observe, remediate, teardown};
use interlock_guest::testing::{Fake, Installed, Service};

fn broken() -> Service {
    Service::new("port = 8080")
        .healthy_when(|config| config.contains("8080"))
        .config("port = 8080 # again")
        .config("port = eighty")
}

fn prod() -> Fake {
    Fake::new()
        .service("prod", "api", broken())
        .service("prod", "db", Service::new(""))
        .environment("empty")
}

#[test]
fn without_a_fake_everything_is_denied() {
    let Err(Error::Denied(text)) = observe::list_environments() else { panic!("not denied") };
    assert!(text.starts_with("not-granted: "), "{text}");
    assert!(matches!(teardown::delete_environment("prod"), Err(Error::Denied(_))));
}

#[test]
fn lists_are_sorted() {
    let _fake = prod().install();
    assert_eq!(observe::list_environments().unwrap(), ["empty", "prod"]);
    assert_eq!(observe::list_services("prod").unwrap(), ["api", "db"]);
    assert_eq!(observe::list_services("empty").unwrap(), [""; 0]);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let _fake = prod().install();
    let not_found = |text: &str| Err(Error::NotFound(text.into()));
    assert_eq!(observe::list_services("dev").map(drop), not_found("there is no environment `dev`"));
    let missing = not_found("there is no service `web` in `prod`");
    assert_eq!(remediate::restart_service("prod", "web"), missing);
    for version in [0, 4, u32::MAX] {
        let missing = not_found(&format!("there is no configuration version {version}"));
        assert_eq!(remediate::rollback_config("prod", "api", version), missing);
        assert_eq!(observe::read_config("prod", "api", Some(version)).map(drop), missing);
    }
}

#[test]
fn a_name_that_is_not_a_segment_is_denied_before_anything_else() {
    let fake = prod().install();
    for name in ["", "..", "a/b", "-a", "a b", "a\n", "é", &"a".repeat(129)] {
        let Err(Error::Denied(text)) = teardown::delete_service("prod", name) else {
            panic!("`{name}` passed")
        };
        assert!(text.starts_with("bad-resource: "), "{text}");
    }
    assert!(fake.calls().is_empty());
}

#[test]
fn a_configuration_takes_effect_at_the_next_start() {
    let fake = prod().install();
    let healthy = |fake: &Installed| fake.status("prod", "api").unwrap().healthy;
    remediate::rollback_config("prod", "api", 2).unwrap();
    assert!(!healthy(&fake));
    remediate::restart_service("prod", "api").unwrap();
    assert!(healthy(&fake));
    assert_eq!(remediate::set_config("prod", "api", "port = ninety").unwrap(), 4);
    assert!(healthy(&fake));
    remediate::restart_service("prod", "api").unwrap();
    assert!(!healthy(&fake));
    let config = observe::read_config("prod", "api", None).unwrap();
    assert_eq!((config.version, config.versions), (4, vec![1, 2, 3, 4]));
}

#[test]
fn the_last_healthy_version_is_not_the_broken_one_in_force() {
    let _fake = prod().install();
    let status = observe::service_status("prod", "api").unwrap();
    assert_eq!((status.config_version, status.last_healthy_version), (3, Some(2)));
    assert_eq!(status.replicas[0].health, Health::Unhealthy);
    let status = observe::service_status("prod", "db").unwrap();
    assert_eq!((status.config_version, status.last_healthy_version), (1, Some(1)));
}

#[test]
fn a_service_that_never_was_healthy_has_no_last_healthy_version() {
    let never = Service::new("a").healthy_when(|_| false).config("b");
    let _fake = Fake::new().service("prod", "api", never).install();
    assert_eq!(observe::service_status("prod", "api").unwrap().last_healthy_version, None);
}

#[test]
fn a_crashed_service_has_no_process_until_it_is_restarted() {
    let crashed = Service::new("a").replicas(2).crashed(137);
    let _fake = Fake::new().service("prod", "api", crashed).install();
    let status = observe::service_status("prod", "api").unwrap();
    assert!(!status.healthy);
    assert_eq!(status.replicas.len(), 2);
    assert_eq!((status.replicas[1].pid, status.replicas[1].last_exit), (None, Some(137)));
    remediate::restart_service("prod", "api").unwrap();
    let status = observe::service_status("prod", "api").unwrap();
    assert!(status.healthy && status.replicas.iter().all(|replica| replica.pid.is_some()));
}

#[test]
fn a_restart_changes_only_the_pids_of_its_service() {
    let fake = prod().install();
    let pid = |service| fake.status("prod", service).unwrap().replicas[0].pid;
    let (api, db) = (pid("api"), pid("db"));
    remediate::restart_service("prod", "api").unwrap();
    assert_ne!(pid("api"), api);
    assert_eq!(pid("db"), db);
}

#[test]
fn what_stays_unhealthy_stays_unhealthy() {
    let _fake = Fake::new().service("prod", "api", broken().stays_unhealthy()).install();
    remediate::rollback_config("prod", "api", 1).unwrap();
    remediate::restart_service("prod", "api").unwrap();
    assert!(!observe::service_status("prod", "api").unwrap().healthy);
}

#[test]
fn scaling_to_nothing_is_invalid() {
    let fake = prod().install();
    assert!(matches!(remediate::scale_service("prod", "api", 0), Err(Error::Invalid(_))));
    remediate::scale_service("prod", "api", 3).unwrap();
    assert_eq!(fake.status("prod", "api").unwrap().wanted, 3);
    assert_eq!(fake.effects(), ["scale-service(prod, api, 3)"]);
}

#[test]
fn logs_are_bounded_and_keep_the_newest_lines() {
    let service = (0..1_500).fold(Service::new(""), |service, n| service.log(&format!("line {n}")));
    let wide = Service::new("").log(&"a".repeat(60_000)).log(&"b".repeat(10_000));
    let _fake = Fake::new().service("prod", "api", service).service("prod", "wide", wide).install();
    assert_eq!(observe::logs("prod", "api", 2).unwrap(), "line 1498\nline 1499\n");
    assert_eq!(observe::logs("prod", "api", u32::MAX).unwrap().lines().count(), 1_000);
    assert_eq!(observe::logs("prod", "api", 0).unwrap(), "");
    assert_eq!(observe::logs("prod", "wide", 9).unwrap().len(), 10_001);
}

#[test]
fn teardown_takes_away() {
    let fake = prod().install();
    teardown::stop_service("prod", "db").unwrap();
    assert_eq!(fake.status("prod", "db").unwrap().replicas[0].last_exit, Some(143));
    teardown::recreate_environment("prod").unwrap();
    let config = observe::read_config("prod", "api", None).unwrap();
    assert_eq!((config.content.as_str(), config.versions), ("port = 8080", vec![1]));
    assert!(fake.status("prod", "db").unwrap().healthy);
    teardown::delete_service("prod", "api").unwrap();
    assert!(fake.status("prod", "api").is_none());
    teardown::delete_environment("prod").unwrap();
    assert_eq!(fake.environments(), ["empty"]);
    assert!(matches!(teardown::delete_environment("prod"), Err(Error::NotFound(_))));
}

#[test]
fn a_withheld_capability_is_denied_and_does_nothing() {
    let fake = prod().withhold(remediate::INTERFACE).install();
    assert!(matches!(remediate::restart_service("prod", "api"), Err(Error::Denied(_))));
    assert!(observe::service_status("prod", "api").is_ok());
    assert!(fake.effects().is_empty());
}

#[test]
fn a_planted_failure_happens_once_and_does_nothing() {
    let moved = Error::Conflict("moved".into());
    let fake = prod().fail("restart-service", moved.clone()).install();
    assert_eq!(remediate::restart_service("prod", "api"), Err(moved));
    assert!(fake.effects().is_empty());
    assert_eq!(remediate::restart_service("prod", "api"), Ok(()));
}

#[test]
fn a_plan_ends_at_the_first_read_of_what_an_effect_touches() {
    let fake = prod().install();
    remediate::restart_service("prod", "api").unwrap();
    observe::service_status("prod", "db").unwrap();
    remediate::restart_service("prod", "db").unwrap();
    assert!(fake.plan().complete);
    observe::list_services("prod").unwrap();
    remediate::scale_service("prod", "db", 2).unwrap();
    let plan = fake.plan();
    assert_eq!(plan.effects, ["restart-service(prod, api)", "restart-service(prod, db)"]);
    assert!(!plan.complete);
}

#[test]
fn a_fake_ends_with_its_scope_and_does_not_leave_its_thread() {
    let outer = prod().install();
    {
        let _inner = Fake::new().environment("inner").install();
        assert_eq!(observe::list_environments().unwrap(), ["inner"]);
    }
    assert_eq!(observe::list_environments().unwrap(), ["empty", "prod"]);
    let elsewhere = std::thread::spawn(observe::list_environments).join().unwrap();
    assert!(matches!(elsewhere, Err(Error::Denied(_))));
    drop(outer);
    assert!(observe::list_environments().is_err());
}

#[test]
fn files_are_written_as_the_wit_says_and_a_plan_ends_at_a_read_of_them() {
    use interlock_guest::files::{Error, read, remove, write};
    let fake = Fake::new().file("notes", "2026/a.txt", "old").install();
    assert_eq!(read::read_text("notes", "2026/a.txt"), Ok("old".to_owned()));
    write::append_text("notes", "2026/a.txt", " and new").unwrap();
    write::make_folder("notes", "2027").unwrap();
    write::write_text("notes", "2027/b.txt", "b").unwrap();
    assert_eq!(fake.file("notes", "2026/a.txt").as_deref(), Some("old and new"));
    let listed = read::list_root("notes", None).unwrap();
    let names: Vec<_> = listed.entries.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["2026", "2027"]);
    assert!(matches!(remove::delete_folder("notes", "2027"), Err(Error::Invalid(_))));
    remove::delete_file("notes", "2027/b.txt").unwrap();
    remove::delete_folder("notes", "2027").unwrap();
    assert!(matches!(write::write_text("notes", "2027/b.txt", ""), Err(Error::NotFound(_))));
    for bad in ["../x", "a//b", "", "a/"] {
        assert!(matches!(read::stat("notes", bad), Err(Error::Denied(_))), "{bad:?}");
    }
    assert_eq!(fake.plan().effects.len(), 3, "{:?}", fake.plan());
    assert!(!fake.plan().complete);
}

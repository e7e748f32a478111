//! `examples/capabilities/postgres` with psql, against a server of this test's own: a backend that is really stuck, a
//! database that is really dropped, and SQL in arguments that stays a text.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use interlock_tests::root;
use serde_json::{Value, json};

use super::{Ending, Sample};
use crate::desk::{at, code_of};
use crate::replay::all_the_same;

/// Where the sample has the command.
const PSQL: &str = "/usr/lib/postgresql/15/bin/psql";
const SUPER: &str = "canary-super-1b87d4e0";
const PASSWORDS: [(&str, &str); 2] = [
    ("postgres.password", "canary-observer-84c2e6"),
    ("postgres-removal.password", "canary-remover-0f93b1"),
];
const OBSERVE: &str = "acme:postgres/observe@1.0.0=postgres/main";
const SESSIONS: &str = "acme:postgres/sessions@1.0.0=postgres/main/database/shop";
const REMOVAL: &str = "acme:postgres/removal@1.0.0=postgres/main";
const DROP: (&str, &str) = ("drop-database.drop", r#"{"database":"old","reason":"moved in 2025"}"#);

/// A server, and the folder with the programs that it is used with.
struct Server {
    _process: Ending,
    _folder: tempfile::TempDir,
    programs: PathBuf,
    /// The folder of its socket: a port could be another's by the time that the server takes it.
    socket: PathBuf,
}

/// The programs of the newest server of this machine; none, said loudly, where there is none.
fn programs() -> Result<Option<PathBuf>> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    folders.sort();
    if let Ok(told) = Command::new("pg_config").arg("--bindir").output() {
        folders.insert(0, (0, String::from_utf8_lossy(&told.stdout).trim().into()));
    }
    let whole = |folder: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
    };
    let found = folders.into_iter().rev().map(|(_, folder)| folder).find(whole);
    if found.is_none() {
        writeln!(
            std::io::stderr(),
            "SKIPPED the sample for PostgreSQL: no initdb, postgres and psql; install postgresql"
        )?;
    }
    Ok(found)
}

/// A server refuses to be the superuser's: the user and group that it gets instead.
fn other_user(own: &Path) -> Result<Option<(u32, u32)>> {
    if fs::metadata(own)?.uid() != 0 {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        let id = |flag: &str| {
            let told = Command::new("id").args([flag, name]).output().ok()?;
            String::from_utf8_lossy(&told.stdout).trim().parse().ok()
        };
        if let (Some(user), Some(group)) = (id("-u"), id("-g")) {
            return Ok(Some((user, group)));
        }
    }
    bail!("a server needs a user that is not root, such as `nobody`")
}

impl Server {
    fn start() -> Result<Option<Self>> {
        let Some(programs) = programs()? else { return Ok(None) };
        let folder = tempfile::tempdir()?;
        let (data, password) = (folder.path().join("data"), folder.path().join("password"));
        fs::create_dir(&data)?;
        fs::write(&password, SUPER)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let user = other_user(folder.path())?;
        if let Some((user, group)) = user {
            for path in [&data, &password] {
                std::os::unix::fs::chown(path, Some(user), Some(group))?;
            }
        }
        // It ends with the test, however that ends.
        let command = |name: &str| {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "QUIT"]);
            if let Some((user, group)) = user {
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.arg("--clear-groups");
            }
            command
                .arg(programs.join(name))
                .current_dir("/")
                .env("LC_ALL", "C")
                .stdin(Stdio::null());
            command
        };
        let mut made = command("initdb");
        made.args(["--no-sync", "--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
        made.arg("--pwfile").arg(&password).arg("--pgdata").arg(&data);
        let made = made.output()?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = command("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(&data);
        for setting in ["listen_addresses=", "fsync=off", "autovacuum=off"] {
            server.args(["-c", setting]);
        }
        let process = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let process = Ending(process, "-INT");
        let server = Self { _process: process, _folder: folder, programs, socket: data };
        for _ in 0..200 {
            if server.ask("postgres", "SELECT 1").is_ok() {
                return Ok(Some(server));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the server does not answer: {}", server.ask("postgres", "SELECT 1")?)
    }

    /// A client that the host knows nothing of.
    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command.args(["-XqAtw", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database]);
        command.arg("-h").arg(&self.socket).env("PGPASSWORD", SUPER);
        command
    }

    fn ask(&self, database: &str, sql: &str) -> Result<String> {
        let out = self.psql(database).args(["-c", sql]).output()?;
        ensure!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
        Ok(String::from_utf8(out.stdout)?.trim().to_owned())
    }

    fn databases(&self) -> Result<String> {
        self.ask("postgres", "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
    }

    /// Waits until a question has this answer.
    fn until(&self, sql: &str, answer: &str) -> Result<()> {
        let mut last = String::new();
        for _ in 0..200 {
            last = self.ask("postgres", sql)?;
            if last == answer {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("{sql}: it is {last} and not {answer}")
    }

    /// A client that is at work, and stays connected while its input is open.
    fn client(&self, name: &str, sql: &str) -> Result<Ending> {
        let mut command = self.psql("shop");
        command
            .args(["-U", "app"])
            .env("PGAPPNAME", name)
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut client = command.stderr(Stdio::null()).spawn()?;
        client.stdin.as_mut().context("no stdin")?.write_all(sql.as_bytes())?;
        Ok(Ending(client, "-TERM"))
    }
}

fn sample(psql: &Path, socket: &Path) -> Result<Sample> {
    let here = format!("PGHOST = \"{}\"", socket.display());
    let host = "PGHOST = \"db.example.com\", PGPORT = \"5432\", PGSSLMODE = \"verify-full\", PGSSLROOTCERT = \"/etc/ssl/certs/ca-certificates.crt\"";
    let sample = Sample::new("postgres", DROP, (PSQL, psql), &[(host, &here)])?;
    for (file, password) in PASSWORDS {
        sample.secret(file, password)?;
    }
    Ok(sample)
}

/// Arguments that name a backend.
fn target(backend: &Value) -> Value {
    json!({"database": "shop", "pid": at(backend, "/pid"), "started": at(backend, "/started")})
}

#[test]
fn a_stuck_backend_is_ended_and_a_database_waits_for_two_people() -> Result<()> {
    let Some(server) = Server::start()? else { return Ok(()) };
    let app = format!("CREATE ROLE app LOGIN PASSWORD '{SUPER}'");
    for sql in ["CREATE ROLE owner", &app, "GRANT owner TO app"] {
        server.ask("postgres", sql)?;
    }
    for database in ["shop", "old"] {
        server.ask("postgres", &format!("CREATE DATABASE {database} OWNER owner"))?;
        server.ask(database, "CREATE TABLE orders (id int); ALTER TABLE orders OWNER TO owner")?;
    }
    let mut roles = server.psql("postgres");
    roles.args(["-v", &format!("observer={}", PASSWORDS[0].1), "-v", "owner=owner"]);
    roles.args(["-v", &format!("remover={}", PASSWORDS[1].1)]);
    roles.arg("-f").arg(root().join("examples/capabilities/postgres/roles.sql"));
    ensure!(roles.status()?.success(), "roles.sql");
    let sample = sample(&server.programs.join("psql"), &server.socket)?;
    let deployment = sample.deployment();
    deployment.run(&["config", "check"])?.exit(0)?;
    deployment.run(&["policy", "check"])?.exit(0)?;
    let refused = sample.install("drop-database", &[])?.exit(3)?;
    refused.says(&["acme:postgres/removal@1.0.0", "destroy"])?;
    sample.install("unstick", &[OBSERVE, SESSIONS])?.exit(0)?;
    let all = sample.call("unstick.databases", &json!({}))?.exit(0)?.json()?;
    ensure!(*at(&all, "/result/databases/0/name") == "old", "{all}");

    // One is in the way, one waits for it, one only works.
    let mut holder = server.client("holder", "BEGIN; LOCK TABLE orders;\n")?;
    let count = |what: &str| format!("SELECT count(*) FROM pg_stat_activity WHERE {what}");
    server.until(&count("application_name = 'holder' AND state = 'idle in transaction'"), "1")?;
    let mut waiter = server.client("waiter", "SELECT count(*) FROM orders;\n\\q\n")?;
    server.until(&count("application_name = 'waiter' AND wait_event_type = 'Lock'"), "1")?;
    let _worker = server.client("worker", "SELECT pg_sleep(600);\n")?;
    server.until(&count("application_name = 'worker' AND state = 'active'"), "1")?;
    let look = json!({"database": "shop", "seconds": 0});
    let stuck = sample.call("unstick.stuck", &look)?.exit(0)?.json()?;
    let found = at(&stuck, "/result/backends/0");
    ensure!(*at(found, "/application") == "holder", "{stuck}");
    ensure!(!stuck.to_string().contains("waiter"), "who waits is no culprit: {stuck}");

    // A pid that another has by now, and another database: not that backend, nothing happens.
    let mut reused = target(found);
    reused["started"] = "2026-01-01T00:00:00.000000Z".into();
    sample
        .call("unstick.unstick", &reused)?
        .exit(1)?
        .says(&["not the backend that was looked at"])?;
    let mut other = target(found);
    other["pid"] = 999_999.into();
    sample
        .call("unstick.unstick", &other)?
        .exit(1)?
        .says(&["not the backend that was looked at"])?;
    let mut elsewhere = target(found);
    elsewhere["database"] = "old".into();
    sample.refused("unstick.unstick", &elsewhere, "outside-grant")?;
    inert(&server, &sample, &target(found))?;
    server.until(&count("application_name = 'holder'"), "1")?;

    // That one: ended, and the others live.
    let done = sample.call("unstick.unstick", &target(found))?.exit(0)?.json()?;
    ensure!(*at(&done, "/result/gone") == true, "{done}");
    server.until(&count("application_name = 'holder'"), "0")?;
    ensure!(waiter.ended()?, "whoever waited for it goes on");
    server.until(&count("application_name = 'worker'"), "1")?;
    holder.0.stdin.take().context("no stdin")?.write_all(b"COMMIT;\n")?;
    ensure!(!holder.ended()?, "its client was told");
    ensure!(sample.outcomes("terminate-backend", "done")? == 1);

    // A database: two people, and not the world that they did not see.
    sample.install("drop-database", &[REMOVAL])?.exit(0)?;
    let billing = json!({"database": "billing", "reason": "a test"});
    sample.refused("drop-database.drop", &billing, "denied")?;
    let stale = sample.desk.approved()?;
    let written = "SELECT tup_inserted FROM pg_stat_database WHERE datname = 'old'";
    let before = server.ask("postgres", written)?;
    server.ask("old", "INSERT INTO orders VALUES (2)")?;
    let moved = format!("SELECT ({written}) > {before}");
    server.until(&moved, "t")?;
    let ran = sample.desk.call(&["--request", &stale])?.exit(3)?;
    ensure!(code_of(&ran)? == "stale", "{ran}");
    let asked = sample.desk.ask()?;
    let document = deployment.run(&["approval", "show", &asked.0, "--raw"])?.exit(0)?;
    document.says(&["DESTROY  postgres/main/database/old", "owner owner", "0 connected"])?;
    sample.desk.approve(&asked, "amira")?.exit(0)?;
    sample.desk.call(&["--request", &asked.0])?.exit(4)?;
    ensure!(server.databases()? == "old postgres shop");
    sample.desk.approve(&asked, "li")?.exit(0)?;
    sample.desk.call(&["--request", &asked.0])?.exit(0)?;
    ensure!(server.databases()? == "postgres shop");
    ensure!(sample.outcomes("drop-database", "done")? == 1);
    deployment.run(&["journal", "verify"])?.exit(0)?;
    all_the_same(deployment, 1000)?;
    sample.nowhere_else(&PASSWORDS)
}

/// Where the pattern of a catalogue lets everything through, SQL in a value is still a value.
fn inert(server: &Server, sample: &Sample, target: &Value) -> Result<()> {
    let catalogue = sample.deployment().path().join("acme-postgres.toml");
    let text = fs::read_to_string(&catalogue)?;
    let strict = r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z'";
    ensure!(text.matches(strict).count() == 1);
    fs::write(&catalogue, text.replace(strict, "'(?s).*'"))?;
    let trace = sample.deployment().path().join("trace");
    let shell = format!("\n\\! touch {}\n", trace.display());
    let values = [
        "' OR true; --",
        "'; DROP DATABASE old; --",
        "\\'; DROP DATABASE old; --",
        "'::text); DROP DATABASE old; SELECT ('",
        ":'database' :\"database\" :database",
        &format!("`touch {}`", trace.display()),
        &shell,
    ];
    for value in values {
        let mut hostile = target.clone();
        *hostile.get_mut("started").context("no such argument")? = value.into();
        let ran = sample.call("unstick.unstick", &hostile)?.exit(1)?;
        ran.says(&["not the backend that was looked at"])?;
        ensure!(server.databases()? == "old postgres shop" && !trace.exists(), "{value}");
    }
    fs::write(&catalogue, text)?;
    Ok(())
}

#[test]
fn no_hostile_argument_starts_psql() -> Result<()> {
    let sample = sample(Path::new("/bin/true"), Path::new("/nowhere"))?;
    sample.install("unstick", &[OBSERVE, SESSIONS])?.exit(0)?;
    sample.install("drop-database", &[REMOVAL])?.exit(0)?;
    let backend = json!({"pid": 4711, "started": "2026-11-25T08:00:00.000000Z"});
    sample.refuses_hostile("unstick.unstick", &target(&backend), "started")?;
    let drop = json!({"database": "old", "reason": "a test"});
    sample.refuses_hostile("drop-database.drop", &drop, "database")?;
    for (pid, code) in [
        (json!(0), "out-of-range"),
        (json!(1), "out-of-range"),
        (json!(4_000_000_000_u32), "out-of-range"),
        (json!("1; DROP"), "invalid-arguments"),
    ] {
        let mut backend = target(&backend);
        backend["pid"] = pid;
        sample.refused("unstick.unstick", &backend, code)?;
    }
    ensure!(sample.started()? == 0);
    let billing = r#"{"database":"billing"}"#;
    sample.forbidden(
        DROP.0,
        "acme:postgres/removal@1.0.0#drop-database",
        billing,
        "billing-database",
    )?;
    // The counter counts: a plain name reaches the program.
    sample.call("unstick.stuck", &json!({"database": "shop", "seconds": 0}))?.exit(1)?;
    ensure!(sample.started()? == 1);
    Ok(())
}

//! The process behind each service of a sample: small, real, on loopback only. It stops on SIGTERM like
//! any program, and dies with its runner like any service.

use serde::Deserialize;
use std::{
    ffi::OsString,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::ExitCode,
    time::Duration,
};

/// The longest request head that is read, in bytes.
const MAX_HEAD: u64 = 8192;

/// Configuration of `api`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    mode: String,
    #[serde(default)]
    greeting: String,
}

/// The hidden subcommand behind the sample's services: `api PORT`, `db PORT` or `worker`.
#[must_use]
pub fn service_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<String> = args.into_iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        ["api", port] => listen(port).and_then(|listener| api(&listener)),
        ["db", port] => listen(port).and_then(|listener| db(&listener)),
        ["worker"] => worker(),
        _ => Err("this is started as a service of the sample environment, not by hand".to_owned()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("sample service: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Listens at the port of this replica.
fn listen(port: &str) -> Result<TcpListener, String> {
    let first: u16 = port.parse().map_err(|_| format!("`{port}` is not a port"))?;
    let replica: u16 =
        std::env::var("INTERLOCK_REPLICA").ok().and_then(|r| r.parse().ok()).unwrap_or(0);
    let port = first.checked_add(replica).ok_or("there is no port left for this replica")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|error| format!("listening at 127.0.0.1:{port}: {error}"))?;
    println!("listening at 127.0.0.1:{port}");
    Ok(listener)
}

fn read_config() -> Result<Config, String> {
    let path = std::env::var("INTERLOCK_CONFIG").map_err(|_| "INTERLOCK_CONFIG is not set")?;
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let config: Config = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    match config.mode.as_str() {
        "normal" => Ok(config),
        mode => Err(format!("mode `{mode}` is not one that this service can run in")),
    }
}

/// Answers 200 with a configuration that it understands, 500 without.
fn api(listener: &TcpListener) -> Result<(), String> {
    let config = read_config();
    match &config {
        Ok(_) => println!("configuration read"),
        Err(problem) => println!("configuration refused: {problem}"),
    }
    for stream in listener.incoming().flatten() {
        // One at a time: this is a sample. A slow client is cut off.
        if let Err(error) = answer(stream, &config) {
            println!("connection lost: {error}");
        }
    }
    Ok(())
}

fn answer(mut stream: TcpStream, config: &Result<Config, String>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    stream.set_write_timeout(Some(Duration::from_millis(500)))?;
    let mut head = BufReader::new(stream.try_clone()?).take(MAX_HEAD);
    let mut request = String::new();
    head.read_line(&mut request)?;
    let mut line = String::new();
    while head.read_line(&mut line)? > 2 {
        line.clear();
    }
    let (status, body) = match config {
        Ok(config) => ("200 OK", format!("{}\n", config.greeting)),
        Err(problem) => ("500 Internal Server Error", format!("{problem}\n")),
    };
    println!("{} -> {status}", request.trim_end().escape_default());
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// Accepts connections, greets and closes them.
fn db(listener: &TcpListener) -> Result<(), String> {
    for mut stream in listener.incoming().flatten() {
        let _client_may_be_gone = stream.write_all(b"sample db\n");
    }
    Ok(())
}

/// Does nothing, once a second.
fn worker() -> Result<(), String> {
    for tick in 0u64.. {
        println!("tick {tick}");
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

//! The WASI floor: what a language runtime needs to start, connected to nothing. Standard output and
//! error are captured, standard input is closed, clocks and random numbers come from the run's
//! settings, sockets refuse, there are no arguments and no environment, and files only where a grant
//! names a folder, read-only.
//!
//! Interfaces are linked one by one, as the plugin imports them; there is no "all of WASI" here.

mod clock;
mod output;
mod random;
mod sockets;

pub(crate) use clock::{Clock, ClockView, VirtualClock};
pub(crate) use output::CapturedStream;
pub(crate) use random::SeededRandom;

use crate::run::RunState;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{
    WasiView,
    cli::{WasiCli, WasiCliView as _},
    filesystem::{WasiFilesystem, WasiFilesystemView as _},
    p2::bindings as p2,
    sockets::{WasiSockets, WasiSocketsView as _},
};
use wasmtime_wasi_io::bindings::wasi::io;

/// One interface of WASI 0.2 that the floor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FloorInterface(&'static str);

/// The interfaces, without version.
const INTERFACES: [&str; 27] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

impl FloorInterface {
    /// The floor's interface of this import name. WASI alone is matched by semantic version: any 0.2.
    ///
    /// # Errors
    /// What the host has instead.
    pub(crate) fn parse(import: &str) -> Result<Self, String> {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let Some(known) = INTERFACES.into_iter().find(|known| *known == name) else {
            return Err(format!(
                "which is not in the WASI 0.2 floor of this host; build the plugin without it (the floor has {})",
                INTERFACES.join(", ")
            ));
        };
        let mut parts = version.split('.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("0"), Some("2"), Some(patch), None)
                if !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(known))
            }
            _ => Err(format!("but this host has `{known}@0.2`; build the plugin for WASI 0.2")),
        }
    }
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links one interface.
pub(crate) fn link(
    linker: &mut Linker<RunState>,
    interface: FloorInterface,
) -> wasmtime::Result<()> {
    type S = RunState;
    let l = linker;
    match interface.0 {
        "wasi:cli/environment" => p2::cli::environment::add_to_linker::<S, WasiCli>(l, S::cli),
        "wasi:cli/exit" => p2::cli::exit::add_to_linker::<S, WasiCli>(l, S::cli),
        "wasi:cli/stderr" => p2::cli::stderr::add_to_linker::<S, WasiCli>(l, S::cli),
        "wasi:cli/stdin" => p2::cli::stdin::add_to_linker::<S, WasiCli>(l, S::cli),
        "wasi:cli/stdout" => p2::cli::stdout::add_to_linker::<S, WasiCli>(l, S::cli),
        "wasi:cli/terminal-input" => {
            p2::cli::terminal_input::add_to_linker::<S, WasiCli>(l, S::cli)
        }
        "wasi:cli/terminal-output" => {
            p2::cli::terminal_output::add_to_linker::<S, WasiCli>(l, S::cli)
        }
        "wasi:cli/terminal-stderr" => {
            p2::cli::terminal_stderr::add_to_linker::<S, WasiCli>(l, S::cli)
        }
        "wasi:cli/terminal-stdin" => {
            p2::cli::terminal_stdin::add_to_linker::<S, WasiCli>(l, S::cli)
        }
        "wasi:cli/terminal-stdout" => {
            p2::cli::terminal_stdout::add_to_linker::<S, WasiCli>(l, S::cli)
        }
        "wasi:clocks/monotonic-clock" => {
            p2::clocks::monotonic_clock::add_to_linker::<S, VirtualClock>(l, RunState::clock)
        }
        "wasi:clocks/wall-clock" => {
            p2::clocks::wall_clock::add_to_linker::<S, VirtualClock>(l, RunState::clock)
        }
        "wasi:filesystem/preopens" => {
            p2::filesystem::preopens::add_to_linker::<S, WasiFilesystem>(l, S::filesystem)
        }
        "wasi:filesystem/types" => {
            p2::filesystem::types::add_to_linker::<S, WasiFilesystem>(l, S::filesystem)
        }
        "wasi:io/error" => io::error::add_to_linker::<S, Io>(l, |s| s.ctx().table),
        "wasi:io/poll" => io::poll::add_to_linker::<S, Io>(l, |s| s.ctx().table),
        "wasi:io/streams" => io::streams::add_to_linker::<S, Io>(l, |s| s.ctx().table),
        "wasi:random/insecure" => {
            p2::random::insecure::add_to_linker::<S, SeededRandom>(l, RunState::random)
        }
        "wasi:random/insecure-seed" => {
            p2::random::insecure_seed::add_to_linker::<S, SeededRandom>(l, RunState::random)
        }
        "wasi:random/random" => {
            p2::random::random::add_to_linker::<S, SeededRandom>(l, RunState::random)
        }
        "wasi:sockets/instance-network" => {
            p2::sockets::instance_network::add_to_linker::<S, WasiSockets>(l, S::sockets)
        }
        "wasi:sockets/ip-name-lookup" => {
            p2::sockets::ip_name_lookup::add_to_linker::<S, WasiSockets>(l, S::sockets)
        }
        "wasi:sockets/network" => {
            let options = p2::sockets::network::LinkOptions::default();
            p2::sockets::network::add_to_linker::<S, WasiSockets>(l, &options, S::sockets)
        }
        "wasi:sockets/tcp" => sockets::TCP.link(l),
        "wasi:sockets/tcp-create-socket" => p2::sockets::tcp_create_socket::add_to_linker::<
            S,
            sockets::Refusing,
        >(l, |_| sockets::Refusing),
        "wasi:sockets/udp" => sockets::UDP.link(l),
        "wasi:sockets/udp-create-socket" => p2::sockets::udp_create_socket::add_to_linker::<
            S,
            sockets::Refusing,
        >(l, |_| sockets::Refusing),
        other => Err(wasmtime::format_err!("the floor cannot link `{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every interface of the list is really linked, and nothing else is taken for WASI 0.2.
    #[test]
    fn the_list_is_the_floor() {
        let engine = crate::engine::TickingEngine::stopped();
        for name in INTERFACES {
            let interface = FloorInterface::parse(&format!("{name}@0.2.6")).unwrap();
            let mut linker = Linker::new(engine.engine());
            link(&mut linker, interface).unwrap();
        }
        for bad in [
            "wasi:cli/environment",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment@0.2",
            "wasi:cli/environment@0.2.x",
            "wasi:cli/environment@0.20.0",
            "wasi:cli/environment@1.2.0",
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:clocks/timezone@0.2.6",
        ] {
            assert!(FloorInterface::parse(bad).is_err(), "{bad}");
        }
    }
}

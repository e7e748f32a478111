//! Sockets that cannot be made. wasmtime-wasi's own refuse to connect, but open a file descriptor of
//! the host first: enough of them would take the host's. What a socket can do is therefore not there:
//! its functions are names that a plugin's runtime wants linked, and whoever called one would end.

use crate::run::RunState;
use wasmtime::component::{HasData, Linker, Resource, ResourceType};
use wasmtime_wasi::p2::{
    Network, SocketError, SocketResult, TcpSocket, UdpSocket,
    bindings::sockets::{
        network::{self, ErrorCode, IpAddressFamily},
        tcp_create_socket,
        udp::{IncomingDatagramStream, OutgoingDatagramStream},
        udp_create_socket,
    },
};

/// Refuses to make sockets.
pub(crate) struct Refusing;

impl HasData for Refusing {
    type Data<'a> = Refusing;
}

impl network::Host for Refusing {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }
    fn network_error_code(
        &mut self,
        _: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(None)
    }
}

impl network::HostNetwork for Refusing {
    fn drop(&mut self, _: Resource<Network>) -> wasmtime::Result<()> {
        wasmtime::bail!("there is no network here")
    }
}

impl tcp_create_socket::Host for Refusing {
    fn create_tcp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        Err(ErrorCode::AccessDenied.into())
    }
}

impl udp_create_socket::Host for Refusing {
    async fn create_udp_socket(&mut self, _: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        Err(ErrorCode::AccessDenied.into())
    }
}

/// What a plugin imports of one interface whose resources are never made.
pub(super) struct Unreachable {
    interface: &'static str,
    resources: &'static [NeverMade],
}

/// One such resource, with what could be done with it.
struct NeverMade {
    name: &'static str,
    kind: fn() -> ResourceType,
    methods: &'static [&'static str],
}

/// `wasi:sockets/tcp`, as of WASI 0.2.12.
pub(super) const TCP: Unreachable = Unreachable {
    interface: "wasi:sockets/tcp@0.2.12",
    resources: &[NeverMade {
        name: "tcp-socket",
        kind: ResourceType::host::<TcpSocket>,
        methods: &[
            "start-bind",
            "finish-bind",
            "start-connect",
            "finish-connect",
            "start-listen",
            "finish-listen",
            "accept",
            "local-address",
            "remote-address",
            "is-listening",
            "address-family",
            "set-listen-backlog-size",
            "keep-alive-enabled",
            "set-keep-alive-enabled",
            "keep-alive-idle-time",
            "set-keep-alive-idle-time",
            "keep-alive-interval",
            "set-keep-alive-interval",
            "keep-alive-count",
            "set-keep-alive-count",
            "hop-limit",
            "set-hop-limit",
            "receive-buffer-size",
            "set-receive-buffer-size",
            "send-buffer-size",
            "set-send-buffer-size",
            "subscribe",
            "shutdown",
        ],
    }],
};

/// `wasi:sockets/udp`, as of WASI 0.2.12.
pub(super) const UDP: Unreachable = Unreachable {
    interface: "wasi:sockets/udp@0.2.12",
    resources: &[
        NeverMade {
            name: "udp-socket",
            kind: ResourceType::host::<UdpSocket>,
            methods: &[
                "start-bind",
                "finish-bind",
                "stream",
                "local-address",
                "remote-address",
                "address-family",
                "unicast-hop-limit",
                "set-unicast-hop-limit",
                "receive-buffer-size",
                "set-receive-buffer-size",
                "send-buffer-size",
                "set-send-buffer-size",
                "subscribe",
            ],
        },
        NeverMade {
            name: "incoming-datagram-stream",
            kind: ResourceType::host::<IncomingDatagramStream>,
            methods: &["receive", "subscribe"],
        },
        NeverMade {
            name: "outgoing-datagram-stream",
            kind: ResourceType::host::<OutgoingDatagramStream>,
            methods: &["check-send", "send", "subscribe"],
        },
    ],
};

impl Unreachable {
    /// Links these names and no others.
    pub(super) fn link(&self, linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
        let mut instance = linker.instance(self.interface)?;
        for NeverMade { name: resource, kind, methods } in self.resources {
            instance.resource(resource, kind(), |_, _| Err(no_socket()))?;
            for method in *methods {
                let name = format!("[method]{resource}.{method}");
                instance.func_new(&name, |_, _, _, _| Err(no_socket()))?;
            }
        }
        Ok(())
    }
}

fn no_socket() -> wasmtime::Error {
    wasmtime::format_err!("there are no sockets here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime_wasi::{
        p2::bindings::sockets::{tcp, udp},
        sockets::{WasiSockets, WasiSocketsView as _},
    };

    /// WASI's own interface has each of these names, so none of them can be given a second time.
    #[test]
    fn what_a_socket_can_do_is_named_as_wasi_names_it() {
        type S = RunState;
        let engine = crate::engine::TickingEngine::stopped();
        let mut linker = Linker::<S>::new(engine.engine());
        tcp::add_to_linker::<S, WasiSockets>(&mut linker, S::sockets).unwrap();
        udp::add_to_linker::<S, WasiSockets>(&mut linker, S::sockets).unwrap();
        for Unreachable { interface, resources } in [TCP, UDP] {
            let mut instance = linker.instance(interface).unwrap();
            for NeverMade { name: resource, kind, methods } in resources {
                assert!(instance.resource(resource, kind(), |_, _| Ok(())).is_err(), "{resource}");
                for method in *methods {
                    let name = format!("[method]{resource}.{method}");
                    assert!(instance.func_new(&name, |_, _, _, _| Ok(())).is_err(), "{name}");
                }
            }
            assert!(instance.func_new("[method]tcp-socket.teleport", |_, _, _, _| Ok(())).is_ok());
        }
    }
}

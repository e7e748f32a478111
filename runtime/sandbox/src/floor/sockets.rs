//! Sockets that cannot be made. wasmtime-wasi's own refuse to connect, but open a file descriptor of
//! the host first: enough of them would take the host's.

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::p2::{
    Network, SocketError, SocketResult, TcpSocket, UdpSocket,
    bindings::sockets::{
        network::{self, ErrorCode, IpAddressFamily},
        tcp_create_socket, udp_create_socket,
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

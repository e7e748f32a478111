//! The floor of everything that speaks MCP: an echo server of rmcp's own, without Interlock. Over stdio as its
//! documentation says, over its pipes, and over HTTP with Nagle's delay off.

use anyhow::{Result, bail};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::json;
use std::{convert::Infallible, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// The hidden role: `__native stdio`, `pipes` or `http`.
pub(crate) const ROLE: &str = "__native";

#[derive(Clone)]
struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("echo", "1"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({"type": "object", "properties": {"s": {"type": "string"}}});
        let schema = schema.as_object().cloned().unwrap_or_default();
        Ok(ListToolsResult::with_all_items(vec![Tool::new(
            "echo",
            "Says it again.",
            Arc::new(schema),
        )]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let text = arguments.get("s").and_then(|s| s.as_str()).unwrap_or_default();
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}

/// Behind pointers, which is how the host has them, and compiled once for both.
async fn streams(
    read: Box<dyn AsyncRead + Send + Unpin>,
    write: Box<dyn AsyncWrite + Send + Unpin>,
) -> Result<()> {
    Echo.serve((read, write)).await?.waiting().await?;
    Ok(())
}

async fn http() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // Whoever started it reads where it is.
    println!("{}", json!({"url": format!("http://{}/mcp", listener.local_addr()?)}));
    let service = StreamableHttpService::new(
        || Ok(Echo),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

/// Plays the server until its client is gone.
pub(crate) fn play(arguments: &[String]) -> Result<()> {
    let runtime = crate::scene::runtime()?;
    let ended = runtime.block_on(async {
        match arguments {
            [one] if one == "stdio" => {
                let (read, write) = rmcp::transport::stdio();
                streams(Box::new(read), Box::new(write)).await?;
            }
            [one] if one == "pipes" => {
                let (read, write) = rmcp::transport::stdio_pipes();
                streams(Box::new(read), Box::new(write)).await?;
            }
            [one] if one == "http" => http().await?,
            _ => bail!("a transport is wanted"),
        }
        Ok(())
    });
    runtime.shutdown_background();
    ended
}

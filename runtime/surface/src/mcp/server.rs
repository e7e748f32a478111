//! The MCP methods of an agent. All of them are here, so that the whole surface can be read in one place:
//! list and call tools, read one's own requests, wait for them. What is not here is answered «method not
//! found»; nothing here installs, grants, approves, freezes or changes a rule.

use super::{agent::Agent, answer, progress, resources, schema, tasks};
use async_trait::async_trait;
use interlock::{desk::Answer, pipeline::Control, response::Outcome};
use interlock_protocol::Handler;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, GetTaskParams, GetTaskResult,
        Implementation, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
        ServerCapabilities, ServerConfig, SubscriptionFilter,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What is said of the host to a model that meets it for the first time.
const INSTRUCTIONS: &str = "Tools run in a sandbox with exactly the capabilities they were granted. \
A call may need the approval of people: then it answers `approval-required` at once, and nothing has been \
done. Tell the people you work for, and later call again with the same arguments and `interlock_request` set \
to the request. Approval happens outside of this protocol; no tool gives it.";

/// How often it is looked whether a client that is told of changes is still there.
const GONE: std::time::Duration = std::time::Duration::from_secs(30);

/// An MCP server for one principal.
#[derive(Clone)]
pub(super) struct AgentServer {
    agent: Arc<Agent>,
    info: Arc<ServerConfig>,
    /// Whether the client of this session is told of changes already.
    tells: Arc<AtomicBool>,
}

impl AgentServer {
    pub(super) fn of(agent: Arc<Agent>) -> Self {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_tasks()
            .build();
        let info = ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("interlock", env!("CARGO_PKG_VERSION")).with_title("Interlock"),
            )
            .with_instructions(INSTRUCTIONS);
        Self { agent, info: Arc::new(info), tells: Arc::default() }
    }

    /// The same, for another session.
    pub(super) fn another(&self) -> Self {
        Self { tells: Arc::default(), ..self.clone() }
    }
}

/// The versions that this server speaks. Older ones lack structured results.
const VERSIONS: &[ProtocolVersion] =
    &[ProtocolVersion::V_2025_06_18, ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

#[async_trait]
impl Handler for AgentServer {
    fn info(&self) -> ServerConfig {
        (*self.info).clone()
    }

    fn versions(&self) -> &'static [ProtocolVersion] {
        VERSIONS
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
    ) -> Result<ListToolsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        self.agent
            .tools()
            .page(cursor.as_deref())
            .ok_or_else(|| ErrorData::invalid_params("the cursor is not one of this server", None))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tools = self.agent.tools();
        // The same words for a tool that is not there and for one that this principal may not call.
        let entry = tools.entry(&request.name).ok_or_else(|| {
            ErrorData::invalid_params("there is no tool of this name; `tools/list` has them", None)
        })?;
        // Held to the end of the call, here where it is: whoever made it may be gone long before.
        let place = tokio::select! {
            biased;
            place = self.agent.place() => place,
            () = context.ct.cancelled() => {
                let gone = "the call was ended before it was begun";
                return Ok(answer::refused("cancelled", gone, Default::default()).into());
            }
        };
        let Some(_place) = place else {
            let most = "as many calls are under way and wait as may at the same time";
            return Ok(answer::refused("too-many-at-once", most, Default::default()).into());
        };
        let mut arguments = request.arguments.unwrap_or_default();
        let own = if entry.may_wait {
            match schema::take_own(&mut arguments) {
                Ok(own) => own,
                Err(message) => {
                    let refused =
                        answer::refused("invalid-arguments", &message, Default::default());
                    return Ok(refused.into());
                }
            }
        } else {
            (None, None)
        };
        let control = Control::default();
        let telling = progress::tell(&context, &control);
        let mut call = std::pin::pin!(self.agent.call(entry, arguments, own, &control));
        let answer = tokio::select! {
            biased;
            answer = &mut call => answer,
            () = context.ct.cancelled() => {
                control.cancel();
                call.await
            }
        };
        telling.end().await;
        match answer {
            Err(error) => Ok(answer::failed(&error).into()),
            Ok(answered) => {
                if let Answer::Ended(response) = &answered
                    && let Outcome::ApprovalRequired(waiting) = &response.outcome
                    // Declared in the call itself: a session of an older version can declare it too, and its
                    // client would take a task for a result that is broken.
                    && context.meta.client_capabilities().is_some_and(|client| client.supports_tasks())
                {
                    return tasks::create(&self.agent, waiting).await.map(CallToolResponse::Task);
                }
                Ok(answer::answered(&answered, Some(entry)).into())
            }
        }
    }

    async fn list_resources(&self) -> Result<ListResourcesResult, ErrorData> {
        resources::list(&self.agent).await
    }

    async fn list_resource_templates(&self) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::templates())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.agent, &request.uri).await.map(Into::into)
    }

    async fn get_task(&self, request: GetTaskParams) -> Result<GetTaskResult, ErrorData> {
        tasks::get(&self.agent, &request.task_id).await
    }

    async fn cancel_task(&self, request: CancelTaskParams) -> Result<(), ErrorData> {
        tasks::cancel(&self.agent, &request.task_id).await
    }

    /// Older clients are told of other tools as soon as they say that they are there.
    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        // Each of these tasks tells of each change: one is enough, however often a client says it.
        if self.tells.swap(true, Ordering::AcqRel) {
            return;
        }
        let (mut changes, peer) = (self.agent.changes(), context.peer);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    changed = changes.changed() => {
                        if changed.is_err() || peer.notify_tool_list_changed().await.is_err() {
                            return;
                        }
                    }
                    // Tools may never change again; who has gone away is not kept for that.
                    () = tokio::time::sleep(GONE) => {
                        if peer.is_transport_closed() {
                            return;
                        }
                    }
                }
            }
        });
    }

    fn accepted_subscription_filter(&self) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.agent.changes();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = changes.changed() => {
                    if changed.is_err() || context.sink().notify_tool_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

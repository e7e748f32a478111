//! Word of how far a call is, where its client gave a token for that. Clients that hear nothing take a
//! planning run of seconds for a hung server, and call again.

use interlock::pipeline::Control;
use rmcp::{RoleServer, model::ProgressNotificationParam, service::RequestContext};
use std::time::Duration;
use tokio::{sync::oneshot, task::JoinHandle};

/// How often a client hears that the same stage goes on.
const BEAT: Duration = Duration::from_secs(2);

/// Telling goes on until this is ended: nothing is told of a call after its answer.
pub(super) struct Telling(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Telling {
    pub(super) async fn end(self) {
        if let Some((end, telling)) = self.0 {
            drop(end);
            let _ = telling.await;
        }
    }
}

/// Starts to tell a client how far its call is.
pub(super) fn tell(context: &RequestContext<RoleServer>, control: &Control) -> Telling {
    let Some(token) = context.meta.get_progress_token() else { return Telling(None) };
    let (peer, mut stages) = (context.peer.clone(), control.stages());
    let (end, mut ended) = oneshot::channel::<()>();
    let telling = tokio::spawn(async move {
        let mut told = 0.0;
        loop {
            told += 1.0;
            let sentence = stages.borrow_and_update().sentence();
            let progress =
                ProgressNotificationParam::new(token.clone(), told).with_message(sentence);
            if peer.notify_progress(progress).await.is_err() {
                return;
            }
            tokio::select! {
                _ = &mut ended => return,
                changed = stages.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    });
    Telling(Some((end, telling)))
}

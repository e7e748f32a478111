//! Server-sent events, as far as MCP uses them: the data of each event, one message.

/// The longest event.
const MAX_EVENT: usize = 16 << 20;

/// Reads events out of bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
}

impl Events {
    /// Takes a piece, and gives the events that it completes.
    ///
    /// # Errors
    /// An event that is too long.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<String>, String> {
        let mut complete = Vec::new();
        for &byte in piece {
            if byte != b'\n' {
                if self.line.len() + self.data.len() > MAX_EVENT {
                    return Err(format!("the host sent an event of more than {MAX_EVENT} bytes"));
                }
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if line.is_empty() {
                let data = std::mem::take(&mut self.data);
                if !data.trim().is_empty() {
                    complete.push(data);
                }
            } else if let Some(data) = line.strip_prefix("data:") {
                // JSON has no line breaks that matter: lines of one event join to one message.
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        Ok(complete)
    }
}

#[cfg(test)]
mod tests {
    use super::Events;

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = b"id: 1\nretry: 3000\ndata:\n\nevent: message\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: hi\n\ndata: {}\n\n";
        for size in 1..text.len() {
            let mut events = Events::default();
            let all: Vec<String> =
                text.chunks(size).flat_map(|piece| events.take(piece).unwrap()).collect();
            assert_eq!(all, ["{\"a\":1}", "{}"], "in pieces of {size}");
        }
    }
}

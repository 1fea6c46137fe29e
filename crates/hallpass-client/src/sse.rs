//! Reads a stream of server-sent events, strictly and within bounds.
//!
//! What the WHATWG calls `text/event-stream`, less what no authority sends: lines end with LF or CR LF, there is no byte
//! order mark, and an event that grows past [`EVENT_BYTES_MAX`] ends the stream. Knows nothing of what events hold.

/// The largest event, in bytes, with everything between two events: a publication of 64 KiB, and what is written around it.
pub(crate) const EVENT_BYTES_MAX: usize = 64 * 1024 + 1024;

/// Events that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventName {
    /// A whole publication.
    Bundle,
    /// The envelope of a heartbeat.
    Heartbeat,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    pub(crate) name: EventName,
    pub(crate) data: Vec<u8>,
}

/// A stream that is none, or does not keep to its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Not lines of the form of an event.
    #[error("the stream is not one of events")]
    Form,
    /// An event that does not end.
    #[error("an event has more than {EVENT_BYTES_MAX} bytes")]
    TooLarge,
}

/// What has been read of the event that is arriving.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    /// Bytes since the last event, comments and unknown fields included.
    bytes: usize,
}

impl EventReader {
    /// Takes what has arrived, and gives the events that are whole by now. Events of other names are left out.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.bytes = self.bytes.saturating_add(part.len());
            if self.bytes > EVENT_BYTES_MAX {
                return Err(StreamError::TooLarge);
            }
            match part.strip_suffix(b"\n") {
                None => self.line.extend_from_slice(part),
                Some(rest) => {
                    self.line.extend_from_slice(rest);
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_of_line(line.strip_suffix(b"\r").unwrap_or(&line))?);
                }
            }
        }
        Ok(events)
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<Option<StreamEvent>, StreamError> {
        if line.is_empty() {
            return Ok(self.end_of_event());
        }
        if line.iter().any(|byte| matches!(byte, b'\r' | 0)) || line.starts_with(b"\xef\xbb\xbf") {
            return Err(StreamError::Form);
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let field = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match &mut self.data {
                None => self.data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            },
            b"event" => self.name = value.to_vec(),
            // Comments, and fields that say how to reconnect, which is not the server's to say.
            _ => {}
        }
        Ok(None)
    }

    fn end_of_event(&mut self) -> Option<StreamEvent> {
        self.bytes = 0;
        let (name, data) = (std::mem::take(&mut self.name), self.data.take()?);
        let name = match name.as_slice() {
            b"bundle" => EventName::Bundle,
            b"heartbeat" => EventName::Heartbeat,
            _ => return None,
        };
        Some(StreamEvent { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: EventName, data: &str) -> StreamEvent {
        StreamEvent {
            name,
            data: data.as_bytes().to_vec(),
        }
    }

    fn read(text: &[u8]) -> Result<Vec<StreamEvent>, StreamError> {
        EventReader::default().push(text)
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let text = b": hello\n\nevent: heartbeat\ndata: {\"a\":1}\nid: 7\n\nretry: 5\nunknown\ndata:x\r\ndata: y\r\nevent:bundle\r\n\r\n";
        let expected = [
            event(EventName::Heartbeat, "{\"a\":1}"),
            event(EventName::Bundle, "x\ny"),
        ];
        assert_eq!(read(text).unwrap(), expected);
        for cut in 0..text.len() {
            let mut reader = EventReader::default();
            let mut events = reader.push(&text[..cut]).unwrap();
            events.extend(reader.push(&text[cut..]).unwrap());
            assert_eq!(events, expected, "{cut}");
        }
    }

    #[test]
    fn what_is_no_event_for_us_is_left_out() {
        for text in [
            "event: bundle\n\n",
            "data: no name\n\n",
            "event: Bundle\ndata: case\n\n",
            "event: bundle\ndata: unfinished\n",
            "event: bundle\n\ndata: the name was of the one before\n\n",
            ":\n\n:\n\n",
        ] {
            assert_eq!(read(text.as_bytes()).unwrap(), [], "{text:?}");
        }
    }

    #[test]
    fn other_forms_end_the_stream() {
        for text in [
            &b"event: bundle\rdata: x\n\n"[..],
            b"\xef\xbb\xbfdata: x\n\n",
            b"data: a\0b\n\n",
        ] {
            assert_eq!(read(text), Err(StreamError::Form), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_end_is_cut_off() {
        let endless: [&[u8]; 4] = [b"x", b"data: x\n", b": a comment\n", b"event: bundle\n"];
        for endless in endless {
            let mut reader = EventReader::default();
            let mut read = 0;
            let error = loop {
                match reader.push(endless) {
                    Ok(events) => assert_eq!(events, []),
                    Err(error) => break error,
                }
                read += endless.len();
                assert!(read <= EVENT_BYTES_MAX, "{endless:?}");
            };
            assert_eq!(error, StreamError::TooLarge);
        }
        let largest = format!(
            "event: bundle\ndata: {}\n\n",
            "x".repeat(EVENT_BYTES_MAX - 22)
        );
        assert_eq!(largest.len(), EVENT_BYTES_MAX);
        // As often as one likes: the count is of one event.
        let mut reader = EventReader::default();
        for _ in 0..3 {
            assert_eq!(reader.push(largest.as_bytes()).unwrap().len(), 1);
        }
        assert_eq!(
            read(format!("x{largest}").as_bytes()),
            Err(StreamError::TooLarge)
        );
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut_and_nothing_is_kept_beyond_the_bound() {
        let mut jitter = crate::jitter::Jitter::seeded(11);
        let mut below = |end: usize| {
            let drawn = jitter.part_of(std::time::Duration::from_millis(1 << 20));
            (usize::try_from(drawn.as_millis()).unwrap() * end) >> 20
        };
        let pieces: [&[u8]; 15] = [
            b"event: bundle\n",
            b"event: heartbeat\r\n",
            b"data: x\n",
            b"event: ",
            b"bundle",
            b"heartbeat",
            b"data:",
            b" ",
            b"\n",
            b"\n\n",
            b"\r\n",
            b"\r",
            b":",
            b"\0",
            b"\xff\xfe{}",
        ];
        let mut events = 0;
        for _ in 0..20_000 {
            let text: Vec<u8> = (0..below(40))
                .flat_map(|_| pieces[below(pieces.len())])
                .copied()
                .collect();
            let whole = read(&text);
            let mut reader = EventReader::default();
            let mut cut = Ok(Vec::new());
            for part in text.chunks(1 + below(7)) {
                cut = cut.and_then(|mut read: Vec<StreamEvent>| {
                    read.extend(reader.push(part)?);
                    Ok(read)
                });
                assert!(reader.line.len() <= EVENT_BYTES_MAX);
            }
            assert_eq!(cut, whole, "{text:?}");
            events += whole.map_or(0, |whole| whole.len());
        }
        assert!(events > 200, "{events}");
    }
}

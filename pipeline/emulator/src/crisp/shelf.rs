//! Record texts on a shelf: the bytes of a file on disk followed by bytes held in memory.
//!
//! A folder of a million messages is served from its own files, so memory holds only the index;
//! invented records and changed ones are in memory. Nothing here knows what a record says.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Where one text lies on its shelf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    offset: u64,
    bytes: u32,
}

/// Texts in the order they were put, found again by their span.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    file: Option<File>,
    file_bytes: u64,
    memory: Vec<u8>,
}

impl Shelf {
    /// A shelf that begins with the bytes of a file, which must not change while it is served.
    pub(crate) fn over(file: File) -> io::Result<Shelf> {
        let file_bytes = file.metadata()?.len();
        Ok(Shelf { file: Some(file), file_bytes, memory: Vec::new() })
    }

    /// The span of bytes that the file already has.
    pub(crate) fn span(offset: u64, bytes: usize) -> Span {
        Span { offset, bytes: u32::try_from(bytes).expect("a record is below 4 GiB") }
    }

    /// Keeps a text in memory.
    pub(crate) fn put(&mut self, text: &str) -> Span {
        let span = Shelf::span(self.file_bytes + self.memory.len() as u64, text.len());
        self.memory.extend_from_slice(text.as_bytes());
        span
    }

    /// Reads a text back. A file that was changed or cut underneath gives an empty object.
    pub(crate) fn get(&self, span: Span) -> String {
        self.bytes(span).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or("{}".to_owned())
    }

    fn bytes(&self, span: Span) -> Option<Vec<u8>> {
        if let Some(offset) = span.offset.checked_sub(self.file_bytes) {
            let start = usize::try_from(offset).ok()?;
            return self.memory.get(start..start + span.bytes as usize).map(<[u8]>::to_vec);
        }
        let mut bytes = vec![0; span.bytes as usize];
        self.file.as_ref()?.read_exact_at(&mut bytes, span.offset).ok()?;
        Some(bytes)
    }
}

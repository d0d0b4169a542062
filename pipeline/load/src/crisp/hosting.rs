//! Files that the customer's own server hands out: Crisp tells the address of an upload only by
//! its real-time channel, so a file lies where the customer serves it, and Crisp gets that address.

use bytes::Bytes;
use kernel::Result;
use landing::{Warehouse, layout};

use crate::plan::Upload;

/// Letters of a name that are kept.
const NAME_LETTERS_MAX: usize = 80;

/// Where files are put and how they are reached there.
#[derive(Debug)]
pub struct Hosting {
    /// Files are put here, below `hosted/`.
    pub store: Warehouse,
    /// The address under which the folder `hosted` is served.
    pub base_url: String,
}

impl Hosting {
    /// Puts a file where it is served; says under which address. The same content with the same
    /// name lies there once, however often it is put.
    pub(super) async fn put(&self, upload: &Upload, body: &Bytes) -> Result<String> {
        let name = plain(&upload.name);
        self.store.put(&layout::hosted(&upload.sha256, &name), body.clone()).await?;
        let base_url = self.base_url.trim_end_matches('/');
        Ok(format!("{base_url}/{}/{name}", upload.sha256))
    }
}

/// A name that means the same in a path, in an address and on any disk. People see the real one.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => letter,
        _ => '_',
    };
    let letters: Vec<char> = name.chars().map(letter).collect();
    // The end of a name says what it is.
    let from = letters.len().saturating_sub(NAME_LETTERS_MAX);
    let plain: String = letters[from..].iter().collect();
    let plain = plain.trim_matches('.');
    if plain.is_empty() { "file".to_owned() } else { plain.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder_or_means_something_in_an_address() {
        assert_eq!(plain("Rechnung März.pdf"), "Rechnung_M_rz.pdf");
        assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(plain(".."), "file");
        assert_eq!(plain(""), "file");
        assert_eq!(plain("a?b#c%2e&d.png"), "a_b_c_2e_d.png");
        assert_eq!(plain(&format!("{}.png", "x".repeat(300))).len(), NAME_LETTERS_MAX);
    }
}

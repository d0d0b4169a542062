//! Small real files, written out byte by byte: PNG, GIF, WAV, PDF and CSV.
//!
//! Every file opens in ordinary programs. It knows formats and nothing of messages.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::super::store::FileNote;
use crate::dice::Dice;

/// Kinds of file the shop's people send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Png,
    Gif,
    Wav,
    Pdf,
    Csv,
}

/// Bytes of a kind and what is said of them.
pub(super) fn file(kind: Kind, name: &str, dice: &mut Dice) -> (FileNote, Vec<u8>) {
    let (media_type, bytes) = match kind {
        Kind::Png => ("image/png", png(dice)),
        Kind::Gif => ("image/gif", gif(dice)),
        Kind::Wav => ("audio/wav", wav(dice)),
        Kind::Pdf => ("application/pdf", pdf(name, dice)),
        Kind::Csv => ("text/csv", csv(dice)),
    };
    let mut sha256 = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(sha256, "{byte:02x}").expect("a string takes any text");
    }
    let size = bytes.len() as u64;
    (FileNote { name: name.to_owned(), media_type: media_type.to_owned(), size, sha256 }, bytes)
}

/// The ending of a kind's names.
pub(super) fn ending(kind: Kind) -> &'static str {
    match kind {
        Kind::Png => "png",
        Kind::Gif => "gif",
        Kind::Wav => "wav",
        Kind::Pdf => "pdf",
        Kind::Csv => "csv",
    }
}

fn png(dice: &mut Dice) -> Vec<u8> {
    let side = 4 + dice.below(13) as u32;
    let mut pixels = Vec::new();
    for _ in 0..side {
        // Each line begins with its filter: none.
        pixels.extend_from_slice(&[0]);
        for _ in 0..side {
            let color = dice.next().to_le_bytes();
            pixels.extend_from_slice(&color[..3]);
        }
    }
    let mut header = Vec::new();
    header.extend_from_slice(&side.to_be_bytes());
    header.extend_from_slice(&side.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in [(b"IHDR", header), (b"IDAT", stored(&pixels)), (b"IEND", Vec::new())] {
        bytes.extend_from_slice(&u32_of(body.len()).to_be_bytes());
        let chunk = [name.as_slice(), &body].concat();
        bytes.extend_from_slice(&chunk);
        bytes.extend_from_slice(&crc32(&chunk).to_be_bytes());
    }
    bytes
}

/// A zlib stream whose one block is stored, not packed; below 64 KiB.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("invented pictures are small");
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend_from_slice(&length.to_le_bytes());
    stream.extend_from_slice(&(!length).to_le_bytes());
    stream.extend_from_slice(bytes);
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    stream.extend_from_slice(&((high << 16) | low).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// One pixel of one of two colors; the smallest animation there is.
fn gif(dice: &mut Dice) -> Vec<u8> {
    let color = dice.next().to_le_bytes();
    let mut bytes = b"GIF89a\x01\x00\x01\x00\x80\x00\x00".to_vec();
    bytes.extend_from_slice(&color[..6]);
    bytes.extend_from_slice(b"\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b");
    bytes
}

/// A quarter of a second of a square wave, 8 bit, 4,000 samples a second.
fn wav(dice: &mut Dice) -> Vec<u8> {
    const RATE: u32 = 4_000;
    let half_wave = 4 + dice.below(20) as u32;
    let samples: Vec<u8> =
        (0..RATE / 4).map(|at| if (at / half_wave).is_multiple_of(2) { 96 } else { 160 }).collect();
    let length = u32_of(samples.len());
    let mut bytes = b"RIFF".to_vec();
    bytes.extend_from_slice(&(36 + length).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    for field in [16, 0x0001_0001, RATE, RATE, 0x0008_0001] {
        bytes.extend_from_slice(&u32::to_le_bytes(field));
    }
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&samples);
    bytes
}

fn pdf(name: &str, dice: &mut Dice) -> Vec<u8> {
    let line: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let text = format!("BT /F1 18 Tf 40 100 Td (Invoice {} {line}) Tj ET", dice.below(90_000));
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut body = "%PDF-1.4\n".to_owned();
    let mut table = "0000000000 65535 f \n".to_owned();
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", body.len());
        body += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let start = body.len();
    body += &format!("xref\n0 6\n{table}trailer\n<< /Size 6 /Root 1 0 R >>\n");
    body += &format!("startxref\n{start}\n%%EOF\n");
    body.into_bytes()
}

fn csv(dice: &mut Dice) -> Vec<u8> {
    let mut text = "order,quantity,price\r\n".to_owned();
    for _ in 0..3 + dice.below(20) {
        let order = 100_000 + dice.below(900_000);
        text += &format!("{order},{},{}.90\r\n", 1 + dice.below(5), dice.below(80));
    }
    text.into_bytes()
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).expect("invented files are small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_formats() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let stream = stored(b"Wikipedia");
        assert_eq!(stream[stream.len() - 4..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn every_kind_begins_as_its_format_does() {
        let mut dice = Dice::new(1, "test", 0);
        let starts: [(Kind, &[u8]); 5] = [
            (Kind::Png, b"\x89PNG"),
            (Kind::Gif, b"GIF89a"),
            (Kind::Wav, b"RIFF"),
            (Kind::Pdf, b"%PDF-"),
            (Kind::Csv, b"order,"),
        ];
        for (kind, start) in starts {
            let (note, bytes) = file(kind, "x", &mut dice);
            assert!(bytes.starts_with(start));
            assert_eq!(note.size, bytes.len() as u64);
        }
    }
}

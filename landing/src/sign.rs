//! A detached signature of a snapshot: Ed25519 over its tag manifest, which stands for every byte.
//!
//! Keys are text in PEM, as `openssl genpkey -algorithm ed25519` writes them, and the signature is
//! one that `openssl pkeyutl -verify -rawin` accepts. Where keys come from is not known here.

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use kernel::{Fault, Result, SnapshotId};
use object_store::path::Path;

use crate::snapshot::no_snapshot;
use crate::{Warehouse, layout};

/// What is signed.
const SIGNED: &str = "tagmanifest-sha256.txt";
/// The signature: 64 bytes, nothing else.
pub(crate) const SIGNATURE: &str = "tagmanifest-sha256.txt.sig";

/// Signs a sealed snapshot with a private key in PKCS#8 PEM. A snapshot is signed once.
///
/// # Errors
/// `FixConfig` when the key is none or there is no such snapshot; `Refused` when it is signed.
pub async fn sign(warehouse: &Warehouse, id: &SnapshotId, pem: &str) -> Result<()> {
    let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| {
        Fault::config("the signing key is no Ed25519 key in PKCS#8 PEM")
            .hint("openssl genpkey -algorithm ed25519 -out key.pem makes one")
    })?;
    let path = layout::in_snapshot(id, SIGNED);
    let body = warehouse.get(&path).await?.ok_or_else(|| no_snapshot(id))?;
    let signature = key.sign(&body).to_bytes().to_vec();
    if !warehouse.put_new_protected(&layout::in_snapshot(id, SIGNATURE), signature).await? {
        return Err(Fault::refused(format!("{id} is signed already"))
            .hint("a signature is made once; to add another, keep it outside the snapshot"));
    }
    Ok(())
}

/// Whether the signature of the bag at `root` was made with the private half of `public_pem` over
/// its tag manifest as it is now.
///
/// # Errors
/// `FixConfig` when the key is none; `FixData` when the bag has no tag manifest or is not signed.
pub async fn check_signature(warehouse: &Warehouse, root: &Path, public_pem: &str) -> Result<bool> {
    let key = VerifyingKey::from_public_key_pem(public_pem).map_err(|_| {
        Fault::config("the key to check with is no Ed25519 public key in PEM")
            .hint("openssl pkey -in key.pem -pubout -out public.pem writes it")
    })?;
    let body = warehouse.get(&root.clone().join(SIGNED)).await?.ok_or_else(|| {
        Fault::data(format!("{root} has no {SIGNED}")).hint("it is no snapshot, or was cut short")
    })?;
    let signature = warehouse.get(&root.clone().join(SIGNATURE)).await?.ok_or_else(|| {
        Fault::data(format!("{root} is not signed"))
            .hint("if it was signed once, its signature was removed; look for a copy of it")
    })?;
    let Ok(signature) = Signature::from_slice(&signature) else {
        return Ok(false);
    };
    Ok(key.verify_strict(&body, &signature).is_ok())
}

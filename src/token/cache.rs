//! Tokens already proven, so that a token seen again costs no signature.
//!
//! A client uses one token for many requests. What is kept is the proof that signature, issuer and
//! audience hold; expiry, start and the requested access are judged anew on every request. Only
//! proofs are kept, never refusals, so a flood of invalid tokens changes nothing here.
//!
//! The cache belongs to one configuration: an update drops it whole, and with it all old trust.

use std::collections::BTreeMap;
use std::rc::Rc;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use lru::LruCache;

use crate::time::UnixTime;

use super::ProvenToken;

/// What an entry costs beside its token and grants, in bytes: both maps' nodes, rounded up.
const ENTRY_OVERHEAD: usize = 320;

/// How much a cache may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Tokens at most; 0 keeps none.
    pub entries: usize,
    /// Bytes at most, counted as each token's length, the length of its grants, and a fixed sum
    /// for the entry itself.
    pub bytes: usize,
}

impl Default for CacheLimits {
    /// 10 000 tokens and 32 MiB for each configuration in each worker.
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 32 << 20,
        }
    }
}

/// Proofs by the whole text of their tokens.
pub struct TokenCache {
    limits: CacheLimits,
    proofs: LruCache<Rc<[u8]>, Entry, SeedableRandomState>,
    /// Every entry by when it expires, so that expired ones go before live ones do.
    expiries: BTreeMap<(i64, u64), Rc<[u8]>>,
    bytes: usize,
    serial: u64,
}

struct Entry {
    proof: Rc<ProvenToken>,
    serial: u64,
    cost: usize,
}

impl TokenCache {
    /// An empty cache. `seed` should be hard to guess: it keeps who holds many valid tokens from
    /// choosing ones that collide.
    #[must_use]
    pub fn new(limits: CacheLimits, seed: u64) -> Self {
        let hasher = SeedableRandomState::with_seed(seed, SharedSeed::global_fixed());
        Self {
            limits,
            proofs: LruCache::unbounded_with_hasher(hasher),
            expiries: BTreeMap::new(),
            bytes: 0,
            serial: 0,
        }
    }

    /// The proof of this token, if it is kept. An expired one is found too, which refuses it
    /// without a signature; but it counts as used only while it is live.
    pub fn find(&mut self, token: &[u8], now: UnixTime) -> Option<Rc<ProvenToken>> {
        let entry = self.proofs.peek(token)?;
        let proof = Rc::clone(&entry.proof);
        if !now.is_past_expiry(proof.expiry()) {
            self.proofs.promote(token);
        }
        Some(proof)
    }

    /// Keeps a proof. Makes room by dropping expired tokens first, then the least recently used.
    pub fn keep(&mut self, token: &[u8], proof: &Rc<ProvenToken>, now: UnixTime) {
        let cost = token.len() + proof.grants().heap_bytes() + ENTRY_OVERHEAD;
        if self.limits.entries == 0 || cost > self.limits.bytes || self.proofs.contains(token) {
            return;
        }
        while self.proofs.len() >= self.limits.entries || self.bytes + cost > self.limits.bytes {
            if !self.drop_one(now) {
                return;
            }
        }
        let token: Rc<[u8]> = Rc::from(token);
        let (serial, proof) = (self.serial, Rc::clone(proof));
        self.serial += 1;
        self.bytes += cost;
        self.expiries
            .insert((proof.expiry(), serial), Rc::clone(&token));
        self.proofs.put(
            token,
            Entry {
                proof,
                serial,
                cost,
            },
        );
    }

    /// Drops one entry; false if there is none.
    fn drop_one(&mut self, now: UnixTime) -> bool {
        let first = self.expiries.first_key_value();
        let expired = first.filter(|((expiry, _), _)| now.is_past_expiry(*expiry));
        let dropped = match expired {
            Some((_, token)) => {
                let token = Rc::clone(token);
                self.proofs.pop(&token)
            }
            None => self.proofs.pop_lru().map(|(_, entry)| entry),
        };
        let Some(entry) = dropped else {
            return false;
        };
        self.expiries.remove(&(entry.proof.expiry(), entry.serial));
        self.bytes -= entry.cost;
        true
    }

    /// How many tokens are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.proofs.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.proofs.is_empty()
    }

    /// What is kept, in bytes as [`CacheLimits::bytes`] counts them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "TokenCache({} tokens, {} bytes)",
            self.len(),
            self.bytes
        )
    }
}

#[cfg(test)]
mod tests;

//! Tokens already proven, so that a token seen again costs no signature.
//!
//! A client uses one token for many requests. What is kept is the proof that signature, issuer and
//! audience hold; expiry, start and the requested access are judged anew on every request. Only
//! proofs are kept, never refusals, so a flood of invalid tokens changes nothing here.
//!
//! The cache belongs to one configuration: an update drops it whole, and with it all old trust.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::rc::Rc;

use foldhash::SharedSeed;
use foldhash::fast::SeedableRandomState;
use lru::LruCache;

use crate::time::UnixTime;

use super::ProvenToken;

/// What an entry costs beside its token and grants, in bytes: the nodes of the map, the list and
/// the set, and the allocator's own, rounded up.
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
///
/// An entry is found by the hash of its text and is the right one if all bytes are equal. Of two
/// texts with one hash the first is kept; the other is proven each time it comes.
pub struct TokenCache {
    limits: CacheLimits,
    hasher: SeedableRandomState,
    /// By hash, the least recently used first.
    entries: LruCache<u64, Entry, SeedableRandomState>,
    /// Every entry's expiry and hash, so that expired ones go before live ones do.
    expiries: BTreeSet<(i64, u64)>,
    bytes: usize,
}

struct Entry {
    text: Box<[u8]>,
    proof: Rc<ProvenToken>,
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
            hasher: hasher.clone(),
            entries: LruCache::unbounded_with_hasher(hasher),
            expiries: BTreeSet::new(),
            bytes: 0,
        }
    }

    /// The proof of this token, if it is kept. An expired one is found too, which refuses it
    /// without a signature, and never outlives a live one for it.
    pub fn find(&mut self, token: &[u8]) -> Option<Rc<ProvenToken>> {
        let entry = self.entries.get(&self.hasher.hash_one(token))?;
        is_equal(&entry.text, token).then(|| Rc::clone(&entry.proof))
    }

    /// Keeps a proof. Makes room by dropping expired tokens first, then the least recently used.
    pub fn keep(&mut self, token: &[u8], proof: &Rc<ProvenToken>, now: UnixTime) {
        let cost = token.len() + proof.grants().heap_bytes() + ENTRY_OVERHEAD;
        let hash = self.hasher.hash_one(token);
        if self.limits.entries == 0 || cost > self.limits.bytes || self.entries.contains(&hash) {
            return;
        }
        while self.entries.len() >= self.limits.entries || self.bytes + cost > self.limits.bytes {
            if !self.drop_one(now) {
                return;
            }
        }
        self.bytes += cost;
        self.expiries.insert((proof.expiry(), hash));
        let entry = Entry {
            text: Box::from(token),
            proof: Rc::clone(proof),
            cost,
        };
        self.entries.put(hash, entry);
    }

    /// Drops one entry; false if there is none.
    fn drop_one(&mut self, now: UnixTime) -> bool {
        let first = self.expiries.first();
        let expired = first.filter(|(expiry, _)| now.is_past_expiry(*expiry));
        let dropped = match expired {
            Some(&(_, hash)) => self.entries.pop_entry(&hash),
            None => self.entries.pop_lru(),
        };
        let Some((hash, entry)) = dropped else {
            return false;
        };
        self.expiries.remove(&(entry.proof.expiry(), hash));
        self.bytes -= entry.cost;
        true
    }

    /// How many tokens are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What is kept, in bytes as [`CacheLimits::bytes`] counts them.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Eight bytes at a time: what the standard library calls in WebAssembly takes one after the other,
/// and ten times the instructions.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    one.len() == other.len()
        && words
            .iter()
            .zip(other_words)
            .all(|(&word, &other)| u64::from_ne_bytes(word) == u64::from_ne_bytes(other))
        && rest == other_rest
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

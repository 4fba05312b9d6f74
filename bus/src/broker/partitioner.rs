//! Which partition a key belongs to, as Java's default partitioner has it.
//!
//! Every client of a topic must agree on this, or the order of a key is lost: clients of other
//! languages disagree by default. The hash is Kafka's variant of murmur2, not the original one.

/// The partition of a key in a topic with this many partitions.
///
/// # Panics
///
/// Where `partitions` is not positive: a topic has at least one.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    assert!(partitions > 0, "a topic has at least one partition");
    // Java's `toPositive` clears the sign bit; it does not negate.
    (murmur2(key) & i32::MAX) % partitions
}

/// Kafka's murmur2 of some bytes.
pub fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const MULTIPLIER: u32 = 0x5bd1_e995;

    // Java's int wraps, and so does the length of data beyond 4 GiB.
    let mut hash = SEED ^ (data.len() as u32);
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        k ^= k >> 24;
        hash = hash.wrapping_mul(MULTIPLIER) ^ k.wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^= hash >> 15;
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_vectors_of_kafkas_own_tests() {
        // From `UtilsTest.testMurmur2` of Apache Kafka.
        let vectors: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ];
        for (key, hash) in vectors {
            assert_eq!(murmur2(key.as_bytes()), hash, "murmur2 of {key}");
        }
    }

    #[test]
    fn every_length_of_rest_is_hashed() {
        // A rest of 0 to 3 bytes takes its own way through the hash: none may ignore a byte.
        for length in 0..8 {
            let longer = vec![b'x'; length + 1];
            let mut changed = longer.clone();
            changed[length] = b'y';
            assert_ne!(murmur2(&longer), murmur2(&changed), "length {}", length + 1);
        }
    }

    #[test]
    fn a_negative_hash_clears_its_sign_bit() {
        // -973932308 & 0x7fffffff = 1173551340, and that modulo 6 is 0; negated it would be 2.
        assert_eq!(partition_of(b"21", 6), 0);
        assert_eq!(partition_of(b"abc", 6), 479_470_107 % 6);
        assert_eq!(partition_of(b"anything", 1), 0);
    }
}

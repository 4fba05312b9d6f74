//! temporary
/// Limits.
#[derive(Debug, Clone)]
pub struct Limits {
    /// a
    pub event_bytes_max: u32,
    /// a
    pub attempts_max: u32,
    /// a
    pub retry_base_ms: u64,
    /// a
    pub retry_max_ms: u64,
    /// a
    pub reaction_timeout_ms: u64,
    /// a
    pub drain_timeout_ms: u64,
    /// a
    pub partition_events_max: usize,
    /// a
    pub key_events_max: usize,
    /// a
    pub reactions_at_once_max: usize,
    /// a
    pub commit_interval_ms: u64,
    /// a
    pub hops_max: u32,
}

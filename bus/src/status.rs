//! temporary
/// Status
#[derive(Debug, Clone, Default)]
pub struct Status;
impl Status {
    /// a
    pub fn waiting(&self, _: &str, _: &str) {}
    /// a
    pub fn is_waiting(&self) -> bool {
        false
    }
    /// a
    pub fn clear(&self, _: &str) {}
    /// a
    pub fn draining(&self) {}
    /// a
    pub fn fail(&self, _: &str) {}
}

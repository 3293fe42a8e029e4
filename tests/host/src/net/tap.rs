//! x
/// x
pub struct Tap;

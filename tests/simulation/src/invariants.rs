//! What must hold after every tick: one file each.

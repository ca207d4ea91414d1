//! What is observed of the cluster after every tick.

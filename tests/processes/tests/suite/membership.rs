//! Members come and go while the cluster is under load: by the verbs of the real binary.

mod crash;
mod growth;
mod refusals;
mod removed;
mod scene;

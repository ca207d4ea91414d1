//! The simulated disk's folders and files, found by path.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Weak};

use super::contents::Contents;
use super::names::{NameChange, Names, NodeId};
use super::random::Random;

const ROOT: NodeId = 0;

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<NodeId, Node>,
    last_node: NodeId,
}

#[derive(Debug)]
enum Node {
    Folder(Names),
    File { contents: Contents, open: Weak<NodeId> },
}

/// Where a name is, or would be.
pub(super) struct Spot {
    pub(super) folder: NodeId,
    pub(super) name: String,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: BTreeMap::from([(ROOT, Node::Folder(Names::default()))]), last_node: ROOT }
    }

    pub(super) fn find(&self, path: &Path) -> io::Result<NodeId> {
        let mut node = ROOT;
        for name in names(path) {
            node = *self.folder(node)?.live().get(&name).ok_or_else(|| missing(path))?;
        }
        Ok(node)
    }

    /// As `find`, by the names that a crash keeps.
    pub(super) fn find_durable(&self, path: &Path) -> Option<NodeId> {
        names(path).try_fold(ROOT, |node, name| self.folder(node).ok()?.durable().get(&name).copied())
    }

    pub(super) fn spot(&self, path: &Path) -> io::Result<Spot> {
        let name = names(path).last().ok_or_else(|| missing(path))?;
        let folder = self.find(path.parent().unwrap_or(Path::new("")))?;
        self.folder(folder)?;
        Ok(Spot { folder, name })
    }

    pub(super) fn at(&self, spot: &Spot) -> io::Result<Option<NodeId>> {
        Ok(self.folder(spot.folder)?.live().get(&spot.name).copied())
    }

    pub(super) fn folder(&self, node: NodeId) -> io::Result<&Names> {
        match self.nodes.get(&node) {
            Some(Node::Folder(names)) => Ok(names),
            Some(Node::File { .. }) | None => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn folder_mut(&mut self, node: NodeId) -> io::Result<&mut Names> {
        match self.nodes.get_mut(&node) {
            Some(Node::Folder(names)) => Ok(names),
            Some(Node::File { .. }) | None => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn file(&self, node: NodeId) -> io::Result<&Contents> {
        match self.nodes.get(&node) {
            Some(Node::File { contents, .. }) => Ok(contents),
            Some(Node::Folder(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn file_mut(&mut self, node: NodeId) -> io::Result<&mut Contents> {
        match self.nodes.get_mut(&node) {
            Some(Node::File { contents, .. }) => Ok(contents),
            Some(Node::Folder(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Every open file shares one handle, so a file without a name lives until the last of them is gone.
    pub(super) fn open(&mut self, node: NodeId) -> io::Result<Arc<NodeId>> {
        match self.nodes.get_mut(&node) {
            Some(Node::File { open, .. }) => Ok(open.upgrade().unwrap_or_else(|| {
                let handle = Arc::new(node);
                *open = Arc::downgrade(&handle);
                handle
            })),
            Some(Node::Folder(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(super) fn new_file(&mut self) -> NodeId {
        self.add(Node::File { contents: Contents::default(), open: Weak::new() })
    }

    pub(super) fn new_folder(&mut self) -> NodeId {
        self.add(Node::Folder(Names::default()))
    }

    fn add(&mut self, node: Node) -> NodeId {
        self.last_node += 1;
        self.nodes.insert(self.last_node, node);
        self.last_node
    }

    pub(super) fn change(&mut self, folder: NodeId, sequence: u64, change: NameChange) -> io::Result<()> {
        self.folder_mut(folder)?.change(sequence, change);
        Ok(())
    }

    pub(super) fn remove_all(&mut self, spot: Spot, sequence: u64) -> io::Result<()> {
        if let Some(node) = self.at(&spot)?
            && let Ok(names) = self.folder(node)
        {
            let names: Vec<String> = names.live().keys().cloned().collect();
            for name in names {
                self.remove_all(Spot { folder: node, name }, sequence)?;
            }
        }
        self.change(spot.folder, sequence, NameChange::Unset { name: spot.name })
    }

    pub(super) fn settle(&mut self, node: NodeId, sequence: u64) {
        match self.nodes.get_mut(&node) {
            Some(Node::File { contents, .. }) => contents.settle(sequence),
            Some(Node::Folder(names)) => {
                names.settle(sequence);
                self.forget_unreachable();
            }
            None => (),
        }
    }

    pub(super) fn lose(&mut self, node: NodeId, sequence: u64) {
        match self.nodes.get_mut(&node) {
            Some(Node::File { contents, .. }) => contents.lose(sequence),
            Some(Node::Folder(names)) => names.lose(sequence),
            None => (),
        }
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        for node in self.nodes.values_mut() {
            match node {
                Node::File { contents, open } => {
                    contents.crash(random);
                    *open = Weak::new();
                }
                Node::Folder(names) => names.crash(random),
            }
        }
        self.forget_unreachable();
    }

    /// Paths and lengths of all files, as reads show them.
    pub(super) fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut files = Vec::new();
        let mut waiting = vec![(PathBuf::from("/"), ROOT)];
        while let Some((path, node)) = waiting.pop() {
            match self.nodes.get(&node) {
                Some(Node::File { contents, .. }) => files.push((path, contents.live().len() as u64)),
                Some(Node::Folder(names)) => {
                    waiting.extend(names.live().iter().map(|(name, node)| (path.join(name), *node)));
                }
                None => (),
            }
        }
        files.sort();
        files
    }

    /// Bytes of all files, as reads show them.
    pub(super) fn bytes(&self) -> u64 {
        self.nodes.values().map(Node::bytes).sum()
    }

    fn forget_unreachable(&mut self) {
        let mut reachable = BTreeSet::from([ROOT]);
        let mut waiting = vec![ROOT];
        while let Some(node) = waiting.pop() {
            if let Ok(names) = self.folder(node) {
                waiting.extend(names.reachable().filter(|node| reachable.insert(*node)));
            }
        }
        self.nodes.retain(|id, node| reachable.contains(id) || node.is_open());
    }
}

impl Node {
    fn bytes(&self) -> u64 {
        match self {
            Node::File { contents, .. } => contents.live().len() as u64,
            Node::Folder(_) => 0,
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Node::File { open, .. } => open.strong_count() > 0,
            Node::Folder(_) => false,
        }
    }
}

fn names(path: &Path) -> impl Iterator<Item = String> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
    })
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: not on the simulated disk", path.display()))
}

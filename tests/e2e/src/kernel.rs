// SPDX-License-Identifier: GPL-2.0

//! Which kernel guests boot: Debian's, or one that `tests/setup/kernel.sh` made.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// A kernel, with the modules that fit it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Its name among `tests/kernel/*.config`; none for Debian's.
    name: Option<String>,
    /// By which factor its guests need more time and memory.
    burden: u32,
}

impl Kernel {
    /// The kernel of a name.
    ///
    /// # Errors
    ///
    /// When it was not made.
    pub fn new(images: &Path, name: &str) -> Result<Self> {
        let kernel = Self {
            name: Some(name.to_owned()),
            burden: match name {
                "debug" | "kcsan" => 4,
                _ => 1,
            },
        };
        ensure!(
            kernel.image(images).exists(),
            "there is no kernel {name}: 'tests/setup/kernel.sh {name}' makes it"
        );
        Ok(kernel)
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("stock")
    }

    /// By which factor its guests need more time and memory than those of Debian's kernel.
    pub fn burden(&self) -> u32 {
        self.burden.max(1)
    }

    /// Whether it has kmemleak.
    pub fn finds_leaks(&self) -> bool {
        self.name() == "debug"
    }

    /// Whether there are the C drivers for it.
    pub fn has_c_drivers(&self, images: &Path) -> bool {
        self.folder(images)
            .is_none_or(|folder| folder.join("c-drivers").exists())
    }

    /// The file to boot.
    pub fn image(&self, images: &Path) -> PathBuf {
        self.folder(images)
            .unwrap_or_else(|| images.to_owned())
            .join("vmlinuz")
    }

    /// Its modules as a RAM disk; Debian's are with all else.
    pub fn modules(&self, images: &Path) -> Option<PathBuf> {
        Some(self.folder(images)?.join("modules.cpio"))
    }

    fn folder(&self, images: &Path) -> Option<PathBuf> {
        Some(images.join("kernels").join(self.name.as_ref()?))
    }
}

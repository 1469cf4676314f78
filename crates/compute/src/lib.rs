//! Batched Smith-Waterman seed extension with one answer on every machine.
//!
//! A read aligner spends its dynamic programming in three questions. *Extend*: a seed is anchored at
//! the origin of a matrix; how far does the alignment run before its score stops growing? *Global*:
//! both ends are anchored; which CIGAR has the best score? *Local*: nothing is anchored; where in a
//! window does a read align best, and how well elsewhere? This crate answers them for batches of jobs, on SIMD lanes, on a GPU through WGSL, or in plain scalar code, and **every backend returns
//! the same bytes**: a job is a pure function of its own bases, parameters and the scoring scheme.
//! Neighbours in the batch, lane width, work-group size and device cannot show in a result.
//!
//! # The contract
//!
//! The recurrences, the meaning of every result field, the tie rules and the overflow limits are
//! stated once, in [`kernels::extend`], [`kernels::global`] and [`kernels::local`]. All arithmetic is on integers.
//! `reference.rs` beside each kernel is the oracle, written straight from the recurrence and sharing
//! no helper with the fast paths; [`selftest`] compares any [`Engine`] with it.
//!
//! # How it is fast
//!
//! *SIMD*: one job per lane (inter-sequence, as Rognes 2011), so a column of the matrix needs no
//! communication between lanes; jobs are sorted by length so that a group of lanes ends together.
//! Extension runs in unsigned 8-bit lanes where the score and the positions provably fit, then in
//! 16-bit lanes, then in a scalar 32-bit path; local alignment tries 8 bits and redoes what
//! overflows. The source is written once, generic over lane width and instruction set.
//!
//! *GPU*: one invocation per job, bases packed eight to a word, the workspace interleaved over jobs
//! so that neighbours touch neighbouring words. The CPU and any number of devices empty one queue of
//! jobs together. A device that fails is retired: its jobs are redone on the CPU and counted, and the
//! run goes on with the same bytes.
//!
//! # Example
//!
//! ```
//! use svala_compute::{Engine, EngineOptions, ExtendBatch, ExtendParams};
//!
//! let engine = Engine::new(EngineOptions { backend: svala_compute::Backend::Cpu, ..Default::default() })?;
//! let mut batch = ExtendBatch::new();
//! let params = ExtendParams { initial_score: 20, band: 50, z_drop: 100 };
//! batch.push([0, 1, 2, 3], [0, 1, 2, 3, 3], params)?;
//! let mut results = Vec::new();
//! engine.extend(&batch, &mut results);
//! assert_eq!((results[0].score, results[0].query_end, results[0].target_end), (24, 4, 4));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Sources
//!
//! - Smith T. F. and Waterman M. S. (1981), *Identification of common molecular subsequences*.
//! - Gotoh O. (1982), *An improved algorithm for matching biological sequences* (affine gaps).
//! - Li H. (2013), *Aligning sequence reads, clone sequences and assembly contigs with BWA-MEM*
//!   (seed extension, z-drop, end bonus).
//! - Farrar M. (2007), *Striped Smith-Waterman speeds database searches six times over other SIMD
//!   implementations* (unsigned saturating lanes).
//! - Rognes T. (2011), *Faster Smith-Waterman database searches with inter-sequence SIMD
//!   parallelisation*.

#![warn(missing_docs)]
#![forbid(unsafe_code)]

mod backend;
mod batch;
mod counters;
mod engine;
mod error;
mod gpu;
mod instructions;
pub mod kernels;
mod observer;
mod scheduler;
mod scoring;
mod self_check;
pub mod selftest;
mod simd_level;

pub use backend::{Adapters, Backend, EngineOptions, Precision};
pub use batch::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, LocalBatch, LocalParams, MAX_QUERY, MAX_TARGET};
pub use counters::Counters;
pub use engine::Engine;
pub use error::{Error, JobError, Sequence};
pub use gpu::adapters::{AdapterReport, usable_adapters};
pub use gpu::choice::chosen_adapters;
pub use instructions::Instructions;
pub use kernels::extend::ExtendResult;
pub use kernels::global::{CigarOp, GlobalResults};
pub use kernels::local::LocalResult;
pub use kernels::windows::Window;
pub use observer::Observer;
pub use scheduler::DeviceFailure;
pub use scoring::Scoring;
pub use self_check::GpuCheck;
pub use simd_level::SimdLevel;

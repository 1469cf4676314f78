//! The devices of an engine, who has them, and which have failed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::gpu::{Gpu, GpuError};
use crate::selftest::Fault;

/// How long a dispatch should take: much longer than it costs to start one, too short for a watchdog to notice.
const DISPATCH_TIME: Duration = Duration::from_millis(20);

/// Cells of a dispatch as long as nothing is known of a device, and the least: 20 ms for a device that does 0.2 cells a
/// nanosecond, as software ones do.
const FEW_CELLS: u64 = 1 << 22;

/// The most cells of a dispatch: 20 ms for a device that does 50 cells a nanosecond.
const MANY_CELLS: u64 = 1 << 30;

/// A device that failed at something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFailure {
    /// Name and interface of the device.
    pub device: String,
    /// What went wrong, in the driver's words.
    pub reason: String,
}

enum State {
    Free(Box<Gpu>),
    Leased,
    /// Failed; its device is closed and never opened again.
    Retired(String),
}

struct Member {
    title: String,
    state: State,
    dispatch_cells: u64,
}

/// All devices of an engine. A thread leases a device, works with it and gives it back.
#[derive(Default)]
pub(crate) struct Pool {
    members: Mutex<Vec<Member>>,
    /// Some device was given back or retired.
    changed: Condvar,
}

impl Pool {
    pub(crate) fn new(devices: Vec<(Gpu, String)>) -> Self {
        let member = |(gpu, title)| Member { title, state: State::Free(Box::new(gpu)), dispatch_cells: FEW_CELLS };
        Pool { members: Mutex::new(devices.into_iter().map(member).collect()), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Member>> {
        // Nothing that can panic happens under this lock.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The titles of the devices in service.
    pub(crate) fn titles(&self) -> Vec<String> {
        self.lock().iter().filter(|member| member.in_service()).map(|member| member.title.clone()).collect()
    }

    /// How many devices are in service.
    pub(crate) fn in_service(&self) -> usize {
        self.lock().iter().filter(|member| member.in_service()).count()
    }

    /// The devices that were retired, in their order.
    pub(crate) fn failures(&self) -> Vec<DeviceFailure> {
        let failure = |member: &Member| match &member.state {
            State::Retired(reason) => Some(DeviceFailure { device: member.title.clone(), reason: reason.clone() }),
            State::Free(_) | State::Leased => None,
        };
        self.lock().iter().filter_map(failure).collect()
    }

    /// Leases a device that is free right now.
    pub(crate) fn try_lease(&self) -> Option<Lease<'_>> {
        self.lease_from(&mut self.lock())
    }

    /// Leases a device and waits for it if others have them all. `None`: none is in service.
    pub(crate) fn lease(&self) -> Option<Lease<'_>> {
        let mut members = self.lock();
        loop {
            let lease = self.lease_from(&mut members);
            if lease.is_some() || !members.iter().any(Member::in_service) {
                return lease;
            }
            members = self.changed.wait(members).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lease_from(&self, members: &mut [Member]) -> Option<Lease<'_>> {
        let number = members.iter().position(|member| matches!(member.state, State::Free(_)))?;
        let member = &mut members[number];
        match std::mem::replace(&mut member.state, State::Leased) {
            State::Free(gpu) => {
                Some(Lease { pool: self, number, gpu: Some(gpu), dispatch_cells: member.dispatch_cells })
            }
            State::Leased | State::Retired(_) => None,
        }
    }

    /// Has every free device measure its kernels from now on; returns whether there are any and all of them can.
    pub(crate) fn time_kernels(&self) -> bool {
        let mut members = self.lock();
        let can: Vec<bool> = free(&mut members).map(|gpu| gpu.device.time_kernels()).collect();
        !can.is_empty() && can.into_iter().all(|can| can)
    }

    /// The time that kernels took on the free devices that measure it.
    pub(crate) fn kernel_time(&self) -> Option<Duration> {
        let mut members = self.lock();
        let times = free(&mut members).filter_map(|gpu| gpu.device.kernel_time.as_ref());
        let times = times.map(|total| *total.lock().unwrap_or_else(PoisonError::into_inner));
        times.reduce(|all, one| all + one)
    }

    /// Has `work` done on every device in service. Returns those on which it failed; one that is leased is among them.
    pub(crate) fn prepare(&self, work: impl Fn(&mut Gpu) -> Result<(), GpuError>) -> Vec<DeviceFailure> {
        let outcome = |member: &mut Member| match &mut member.state {
            State::Free(gpu) => work(gpu).err().map(|error| error.0),
            State::Leased => Some("it is at work".to_owned()),
            State::Retired(_) => None,
        };
        let failure = |member: &mut Member| {
            let reason = outcome(member)?;
            Some(DeviceFailure { device: member.title.clone(), reason })
        };
        self.lock().iter_mut().filter_map(failure).collect()
    }

    /// Makes the next use of every free device fail; returns how many those are.
    pub(crate) fn inject(&self, fault: Fault) -> usize {
        free(&mut self.lock()).map(|gpu| gpu.device.inject(fault)).count()
    }
}

fn free(members: &mut [Member]) -> impl Iterator<Item = &mut Gpu> {
    members.iter_mut().filter_map(|member| match &mut member.state {
        State::Free(gpu) => Some(gpu.as_mut()),
        State::Leased | State::Retired(_) => None,
    })
}

impl Member {
    fn in_service(&self) -> bool {
        !matches!(self.state, State::Retired(_))
    }
}

/// A device in somebody's hands. It is given back or retired; if it is just dropped, its user panicked or didn't begin.
pub(crate) struct Lease<'p> {
    pool: &'p Pool,
    number: usize,
    gpu: Option<Box<Gpu>>,
    /// Cells that a dispatch of this device should have.
    pub(crate) dispatch_cells: u64,
}

impl Lease<'_> {
    pub(crate) fn gpu(&mut self) -> Option<&mut Gpu> {
        self.gpu.as_deref_mut()
    }

    /// Gives the device back after it did `cells` in `time`, from which the size of its next dispatches follows.
    pub(crate) fn give_back(mut self, cells: u64, time: Duration) {
        // A small share of work says little about a device.
        if cells >= FEW_CELLS {
            let cells_in_time = u128::from(cells) * DISPATCH_TIME.as_nanos() / time.as_nanos().max(1);
            let cells_in_time = u64::try_from(cells_in_time).unwrap_or(u64::MAX);
            // One odd measurement must not make a dispatch that a watchdog ends.
            self.dispatch_cells = cells_in_time.clamp(FEW_CELLS, MANY_CELLS).min(4 * self.dispatch_cells);
        }
        if let Some(gpu) = self.gpu.take() {
            self.leave(State::Free(gpu));
        }
    }

    /// Takes the device out of service for good.
    pub(crate) fn retire(mut self, reason: String) {
        self.gpu = None;
        self.leave(State::Retired(reason));
    }

    fn leave(&mut self, state: State) {
        let mut members = self.pool.lock();
        members[self.number].state = state;
        members[self.number].dispatch_cells = self.dispatch_cells;
        drop(members);
        self.pool.changed.notify_all();
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(gpu) = self.gpu.take() {
            let panicked = std::thread::panicking();
            self.leave(if panicked { State::Retired("its user panicked".to_owned()) } else { State::Free(gpu) });
        }
    }
}

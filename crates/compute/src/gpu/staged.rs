//! Two calls of a program in flight: the host prepares one while the device works on the one before.

use super::GpuError;
use super::device::Device;
use super::program::{Call, Program, Started};

/// The words of every output of a call, in binding order.
pub(crate) type Outputs = Vec<Vec<u32>>;

/// The call that the device works on, with what it is of.
pub(crate) struct Staged<T>(Option<(T, Started)>);

impl<T> Default for Staged<T> {
    fn default() -> Self {
        Staged(None)
    }
}

impl<T> Staged<T> {
    /// Starts a call, and then waits for the one before.
    pub(crate) fn start(
        &mut self,
        program: &mut Program,
        device: &Device,
        (of, call): (T, &Call<'_>),
    ) -> Result<Option<(T, Outputs)>, GpuError> {
        let started = program.start(device, call)?;
        let before = self.0.replace((of, started));
        before.map(|before| finish(program, device, before)).transpose()
    }

    /// Waits for the last call, if there is one.
    pub(crate) fn finish(&mut self, program: &Program, device: &Device) -> Result<Option<(T, Outputs)>, GpuError> {
        self.0.take().map(|last| finish(program, device, last)).transpose()
    }
}

fn finish<T>(program: &Program, device: &Device, (of, started): (T, Started)) -> Result<(T, Outputs), GpuError> {
    Ok((of, program.finish(device, started)?))
}

//! How long a call's passes take on the device, by the device's own clock.

use std::time::Duration;

/// Timestamps around the passes of one call, and the way back for them.
pub(crate) struct Timer {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

/// Two timestamps of 8 bytes.
const BYTES: u64 = 16;

impl Timer {
    /// Whether devices of this adapter can have a timer: they have to be opened with [`Timer::FEATURE`].
    pub(crate) const FEATURE: wgpu::Features = wgpu::Features::TIMESTAMP_QUERY;

    pub(crate) fn new(device: &wgpu::Device) -> Self {
        let queries = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timer"),
            ty: wgpu::QueryType::Timestamp,
            count: 2,
        });
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timer"),
                size: BYTES,
                usage,
                mapped_at_creation: false,
            })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        Timer { queries, resolved, staging }
    }

    /// What pass number `pass` of `passes` has to write: the first one its begin, the last one its end.
    pub(crate) fn writes(&self, pass: usize, passes: usize) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let begin = (pass == 0).then_some(0);
        let end = (pass + 1 == passes).then_some(1);
        (begin.is_some() || end.is_some()).then_some(wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: begin,
            end_of_pass_write_index: end,
        })
    }

    /// Queues the copy back behind the passes.
    pub(crate) fn copy_back(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, BYTES);
    }

    /// Asks for the timestamps, after the call was submitted.
    pub(crate) fn request(&self) {
        // Whether it worked shows when they are read.
        self.staging.slice(..).map_async(wgpu::MapMode::Read, |_| {});
    }

    /// The time from the begin of the first pass to the end of the last one, after the device was waited for. A device that
    /// returns nothing took no time that is known of.
    pub(crate) fn read(&self, nanoseconds_a_tick: f32) -> Duration {
        let ticks = match self.staging.slice(..).get_mapped_range() {
            Ok(view) => {
                let times: Vec<u64> = bytemuck::pod_collect_to_vec(&view[..]);
                times[1].saturating_sub(times[0])
            }
            Err(_) => 0,
        };
        self.staging.unmap();
        Duration::from_nanos((ticks as f64 * f64::from(nanoseconds_a_tick)) as u64)
    }
}

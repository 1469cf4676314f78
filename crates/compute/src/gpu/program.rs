//! A compiled shader with its buffers, which are kept from call to call.

use std::sync::{PoisonError, mpsc};
use std::time::Duration;

use super::GpuError;
use super::arena::Arena;
use super::device::Device;
use super::timer::Timer;
use crate::Scoring;
use crate::selftest::Fault;

/// Invocations a work-group: a multiple of every vendor's subgroup, below every device's limit.
pub(crate) const WORKGROUP_SIZE: u32 = 64;

/// The most jobs a dispatch can have: 65,535 work-groups is the limit of one dimension everywhere.
pub(crate) const MAX_JOBS: usize = 65_535 * WORKGROUP_SIZE as usize;

/// A dispatch that takes longer than this is taken for a hung device.
const PATIENCE: Duration = Duration::from_secs(120);

/// The overrides that every shader declares, in no particular order.
pub(crate) const OVERRIDES: [&str; 8] = [
    "WORKGROUP_SIZE",
    "MATCH",
    "MISMATCH",
    "AMBIGUOUS",
    "DELETION_OPEN",
    "DELETION_EXTEND",
    "INSERTION_OPEN",
    "INSERTION_EXTEND",
];

fn override_values(scoring: &Scoring) -> [(&'static str, f64); 8] {
    let values = [
        f64::from(WORKGROUP_SIZE),
        scoring.match_score.into(),
        scoring.mismatch.into(),
        scoring.ambiguous.into(),
        scoring.deletion_open.into(),
        scoring.deletion_extend.into(),
        scoring.insertion_open.into(),
        scoring.insertion_extend.into(),
    ];
    std::array::from_fn(|k| (OVERRIDES[k], values[k]))
}

/// What a binding is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A uniform that the host writes.
    Uniform,
    /// Storage that the host writes and the shader reads.
    Input,
    /// Storage of the shader's own.
    Scratch,
    /// Storage that the shader writes and the host reads back.
    Output,
}

/// What a call gives to a binding.
pub(crate) enum Content<'a> {
    /// Bytes for an input.
    Bytes(&'a [u8]),
    /// Bases for an input, sent and gathered.
    Bases(&'a Arena),
    /// The size in bytes of scratch or output.
    Size(u64),
}

/// One use of a program.
pub(crate) struct Call<'a> {
    /// The uniform's bytes of every pass; it is binding 0.
    pub(crate) passes: &'a [&'a [u8]],
    /// Contents of the bindings from 1 on.
    pub(crate) contents: &'a [Content<'a>],
    /// Invocations of every pass.
    pub(crate) jobs: usize,
}

impl Call<'_> {
    fn size(&self, binding: usize) -> u64 {
        match binding {
            0 => Content::Bytes(self.passes.first().copied().unwrap_or(&[])).size(),
            _ => self.contents[binding - 1].size(),
        }
    }
}

impl Content<'_> {
    /// The size to bind: never 0, which no device binds, and whole words.
    fn size(&self) -> u64 {
        let size = match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Bases(arena) => arena.size(),
            Content::Size(size) => *size,
        };
        size.max(16).next_multiple_of(4)
    }
}

/// One buffer a binding.
#[derive(Default)]
struct Buffers {
    bound: Vec<Option<wgpu::Buffer>>,
    /// For each output, memory that the host can map.
    staging: Vec<Option<wgpu::Buffer>>,
    /// What to gather from the resident reference.
    windows: Option<wgpu::Buffer>,
    /// Only where kernels are timed.
    timer: Option<Timer>,
}

impl Buffers {
    fn new(bindings: usize) -> Self {
        let none = || (0..bindings).map(|_| None).collect();
        Buffers { bound: none(), staging: none(), windows: None, timer: None }
    }
}

/// A call that the device works on. It has to be finished before the next but one is started.
pub(crate) struct Started {
    set: usize,
    submission: wgpu::SubmissionIndex,
    /// The outputs' bindings and sizes.
    reads: Vec<(usize, u64)>,
    mapped: mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>,
}

/// The compute pipelines of a shader, their layout, and two sets of buffers, so that the host can prepare a call while the device works
/// on the one before.
pub(crate) struct Program {
    label: &'static str,
    roles: &'static [Role],
    /// One an entry point.
    pipelines: Vec<wgpu::ComputePipeline>,
    layout: wgpu::BindGroupLayout,
    sets: [Buffers; 2],
    next_set: usize,
}

impl Program {
    /// Compiles `wgsl`, whose group 0 has a binding for each of `roles` and whose entry point is `main`.
    pub(crate) fn new(
        device: &Device,
        source: (&'static str, &str),
        roles: &'static [Role],
        scoring: &Scoring,
    ) -> Result<Self, GpuError> {
        Self::with_entries(device, source, &["main"], roles, scoring)
    }

    /// As [`Program::new`], with several entry points: the first one runs in every pass of a call, then each other one
    /// once, with the last pass's uniform.
    pub(crate) fn with_entries(
        device: &Device,
        (label, wgsl): (&'static str, &str),
        entries: &[&str],
        roles: &'static [Role],
        scoring: &Scoring,
    ) -> Result<Self, GpuError> {
        device.guarded(|| {
            let layout = bind_group_layout(device, label, roles);
            let pipeline_layout = device.raw.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let module = device.raw.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(label),
                source: wgpu::ShaderSource::Wgsl(wgsl.into()),
            });
            let constants = override_values(scoring);
            let compile = |entry: &&str| {
                let options = wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() };
                device.raw.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some(label),
                    layout: Some(&pipeline_layout),
                    module: &module,
                    entry_point: Some(entry),
                    compilation_options: options,
                    cache: None,
                })
            };
            let pipelines = entries.iter().map(compile).collect();
            let sets = [Buffers::new(roles.len()), Buffers::new(roles.len())];
            Program { label, roles, pipelines, layout, sets, next_set: 0 }
        })
    }

    /// Queues all passes; their results come with [`Program::finish`].
    pub(crate) fn start(&mut self, device: &Device, call: &Call<'_>) -> Result<Started, GpuError> {
        device.check()?;
        let set = self.next_set;
        self.next_set = 1 - set;
        let submission = device.guarded(|| self.submit(device, call, set))?;
        let outputs = (0..self.roles.len()).filter(|&k| self.roles[k] == Role::Output);
        let reads: Vec<_> = outputs.map(|k| (k, call.size(k))).collect();
        let (sender, mapped) = mpsc::channel();
        for &(k, size) in &reads {
            if let Some(buffer) = &self.sets[set].staging[k] {
                let sender = sender.clone();
                buffer.slice(..size).map_async(wgpu::MapMode::Read, move |result| {
                    // A call that is given up has no receiver.
                    let _ = sender.send(result);
                });
            }
        }
        if let Some(timer) = &self.sets[set].timer {
            timer.request();
        }
        Ok(Started { set, submission, reads, mapped })
    }

    /// Waits for a call and returns the words of every output, in binding order.
    pub(crate) fn finish(&self, device: &Device, started: Started) -> Result<Vec<Vec<u32>>, GpuError> {
        let Started { set, submission, reads, mapped } = started;
        if device.has_fault(Fault::Unmapped) {
            self.sets[set].staging.iter().flatten().for_each(wgpu::Buffer::unmap);
        }
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        let waited = if device.has_fault(Fault::Hung) {
            // No patience would do on a slow device only.
            Err(wgpu::PollError::Timeout)
        } else {
            device.raw.poll(wait).map(drop)
        };
        waited.map_err(|error| GpuError(error.to_string()))?;
        let mut count = 0;
        while let Ok(result) = mapped.try_recv() {
            result.map_err(|error| GpuError(error.to_string()))?;
            count += 1;
        }
        device.check()?;
        if count < reads.len() {
            return Err(GpuError("the device did not return its results".to_owned()));
        }
        if let (Some(total), Some(timer)) = (&device.kernel_time, &self.sets[set].timer) {
            *total.lock().unwrap_or_else(PoisonError::into_inner) += timer.read(device.queue.get_timestamp_period());
        }
        let read = |(k, size): (usize, u64)| -> Result<Vec<u32>, GpuError> {
            let Some(buffer) = &self.sets[set].staging[k] else {
                return Err(GpuError("an output has no buffer".to_owned()));
            };
            let view = buffer.slice(..size).get_mapped_range();
            let view = view.map_err(|error| GpuError(error.to_string()))?;
            let words = bytemuck::pod_collect_to_vec(&view[..]);
            drop(view);
            buffer.unmap();
            Ok(words)
        };
        let mut outputs = reads.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        device.spoil(&mut outputs);
        Ok(outputs)
    }

    /// Uploads the inputs and queues the passes and the copies back.
    fn submit(&mut self, device: &Device, call: &Call<'_>, set: usize) -> wgpu::SubmissionIndex {
        let buffers = &mut self.sets[set];
        for (k, &role) in self.roles.iter().enumerate() {
            let buffer = grow(device, &mut buffers.bound[k], call.size(k), usage(role));
            match (role, &call.contents[k.max(1) - 1]) {
                (Role::Input, Content::Bytes(bytes)) => device.queue.write_buffer(buffer, 0, bytes),
                (Role::Input, Content::Bases(arena)) => fill(device, arena, buffer, &mut buffers.windows),
                _ => {}
            }
            if role == Role::Output {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                grow(device, &mut buffers.staging[k], call.size(k), usage);
            }
        }
        if device.kernel_time.is_some() {
            buffers.timer.get_or_insert_with(|| Timer::new(&device.raw));
        }
        let buffers = &self.sets[set];
        let bind_group = self.bind(device, call, buffers);
        let runs = call.passes.len() + self.pipelines.len().saturating_sub(1);
        for run in 0..runs {
            // A write takes effect before the next submission and after the one before.
            if let (Some(buffer), Some(uniform)) = (&buffers.bound[0], call.passes.get(run)) {
                device.queue.write_buffer(buffer, 0, uniform);
            }
            let timestamp_writes = buffers.timer.as_ref().and_then(|timer| timer.writes(run, runs));
            self.dispatch(device, (run + 1).saturating_sub(call.passes.len()), &bind_group, call, timestamp_writes);
        }
        let mut encoder = device.raw.create_command_encoder(&Default::default());
        for k in 0..self.roles.len() {
            if let (Some(from), Some(to)) = (&buffers.bound[k], &buffers.staging[k]) {
                encoder.copy_buffer_to_buffer(from, 0, to, 0, call.size(k));
            }
        }
        if let Some(timer) = &buffers.timer {
            timer.copy_back(&mut encoder);
        }
        device.queue.submit([encoder.finish()])
    }

    /// Submits one run of an entry point.
    fn dispatch(
        &self,
        device: &Device,
        entry: usize,
        bind_group: &wgpu::BindGroup,
        call: &Call<'_>,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) {
        let mut encoder = device.raw.create_command_encoder(&Default::default());
        let descriptor = wgpu::ComputePassDescriptor { label: Some(self.label), timestamp_writes };
        let mut pass = encoder.begin_compute_pass(&descriptor);
        pass.set_pipeline(&self.pipelines[entry]);
        pass.set_bind_group(0, bind_group, &[]);
        pass.dispatch_workgroups((call.jobs as u32).div_ceil(WORKGROUP_SIZE), 1, 1);
        drop(pass);
        device.queue.submit([encoder.finish()]);
    }

    fn bind(&self, device: &Device, call: &Call<'_>, buffers: &Buffers) -> wgpu::BindGroup {
        let mut entries = Vec::with_capacity(self.roles.len());
        for (k, buffer) in buffers.bound.iter().enumerate() {
            if let Some(buffer) = buffer {
                let size = std::num::NonZeroU64::new(call.size(k));
                let binding = wgpu::BufferBinding { buffer, offset: 0, size };
                let resource = wgpu::BindingResource::Buffer(binding);
                entries.push(wgpu::BindGroupEntry { binding: k as u32, resource });
            }
        }
        device.raw.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.label),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

pub(crate) fn bind_group_layout(device: &Device, label: &str, roles: &[Role]) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = roles
        .iter()
        .enumerate()
        .map(|(k, role)| wgpu::BindGroupLayoutEntry {
            binding: k as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match role {
                    Role::Uniform => wgpu::BufferBindingType::Uniform,
                    role => wgpu::BufferBindingType::Storage { read_only: *role == Role::Input },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries };
    device.raw.create_bind_group_layout(&descriptor)
}

/// Sends an arena's bases to `bases` and has the device gather the others.
fn fill(device: &Device, arena: &Arena, bases: &wgpu::Buffer, windows: &mut Option<wgpu::Buffer>) {
    let (sent, offset, gathered) = arena.parts();
    device.queue.write_buffer(bases, offset, bytemuck::cast_slice(sent));
    let Some(resident) = device.resident.as_ref().filter(|_| !gathered.is_empty()) else { return };
    let table = grow(device, windows, size_of_val(gathered) as u64, usage(Role::Input));
    device.queue.write_buffer(table, 0, bytemuck::cast_slice(gathered));
    let mut encoder = device.raw.create_command_encoder(&Default::default());
    resident.record(device, &mut encoder, (table, gathered), bases);
    device.queue.submit([encoder.finish()]);
}

fn usage(role: Role) -> wgpu::BufferUsages {
    match role {
        Role::Uniform => wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        Role::Input => wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        Role::Scratch => wgpu::BufferUsages::STORAGE,
        Role::Output => wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
    }
}

/// Makes sure that the buffer has at least `size` bytes. It grows to a power of two, so that batches
/// of similar size share it.
fn grow<'a>(
    device: &Device,
    buffer: &'a mut Option<wgpu::Buffer>,
    size: u64,
    usage: wgpu::BufferUsages,
) -> &'a wgpu::Buffer {
    if buffer.as_ref().is_some_and(|buffer| buffer.size() < size) {
        *buffer = None;
    }
    let room = size.next_power_of_two().min(device.max_binding_bytes).max(size);
    buffer.get_or_insert_with(|| {
        device.raw.create_buffer(&wgpu::BufferDescriptor { label: None, size: room, usage, mapped_at_creation: false })
    })
}

//! The resident reference: planes on a device, in as many pieces as it needs, and the shader that reads windows of them.

use super::layout::{Entry, Piece, ROLES, WGSL};
use crate::batch::MAX_TARGET;
use crate::gpu::GpuError;
use crate::gpu::device::Device;
use crate::gpu::program::{WORKGROUP_SIZE, bind_group_layout};

/// Bases of a block of planes.
const BLOCK: usize = 64;

/// Blocks in which a window can start: its start has 32 bits.
const MAX_STARTS: usize = 1 << 26;

/// Blocks that a piece has beyond those in which its windows start.
const OVERLAP: usize = MAX_TARGET / BLOCK + 1;

/// Blocks sent at once, 16 MiB: what the driver has to keep beside the buffer meanwhile.
const SENT_BLOCKS: usize = 1 << 20;

/// The most work-groups of a dispatch.
const MAX_GROUPS: u32 = 65_535;

/// A reference on a device.
pub(crate) struct Resident {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    /// Uniform and planes of each piece.
    pieces: Vec<[wgpu::Buffer; 2]>,
}

impl Resident {
    /// Compiles the shader and sends the planes, in pieces of at most `max_piece_bytes`.
    pub(crate) fn new(device: &Device, planes: &[[u64; 2]], max_piece_bytes: u64) -> Result<Self, GpuError> {
        let (layout, pipeline) = device.guarded(|| compile(device))?;
        let blocks = (max_piece_bytes / size_of::<[u64; 2]>() as u64) as usize;
        // Not so many that a piece's count of bases overflows.
        let step = blocks.saturating_sub(OVERLAP).clamp(1, MAX_STARTS / 2);
        let starts = planes.len().min(MAX_STARTS);
        let mut pieces = Vec::new();
        for first in (0..starts).step_by(step) {
            let rest = &planes[first..];
            let piece = &rest[..rest.len().min(step + OVERLAP)];
            let count = step.min(starts - first);
            let uniform = Piece { first: (first * BLOCK) as u32, count: (count * BLOCK) as u32 };
            pieces.push(device.guarded(|| send(device, piece, uniform))?);
        }
        Ok(Resident { pipeline, layout, pieces })
    }

    /// Records the passes that gather the windows of `table` into `bases`.
    pub(crate) fn record(
        &self,
        device: &Device,
        encoder: &mut wgpu::CommandEncoder,
        (table, windows): (&wgpu::Buffer, &[Entry]),
        bases: &wgpu::Buffer,
    ) {
        let groups = (windows.len() as u32).min(MAX_GROUPS);
        for [uniform, planes] in &self.pieces {
            let table = wgpu::BufferBinding {
                buffer: table,
                offset: 0,
                size: std::num::NonZeroU64::new(size_of_val(windows) as u64),
            };
            let resources = [
                uniform.as_entire_binding(),
                wgpu::BindingResource::Buffer(table),
                planes.as_entire_binding(),
                bases.as_entire_binding(),
            ];
            let entry = |(binding, resource)| wgpu::BindGroupEntry { binding, resource };
            let entries: Vec<_> = (0..).zip(resources).map(entry).collect();
            let descriptor =
                wgpu::BindGroupDescriptor { label: Some("windows"), layout: &self.layout, entries: &entries };
            let bind_group = device.raw.create_bind_group(&descriptor);
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &bind_group, &[]);
            pass.dispatch_workgroups(groups, 1, 1);
        }
    }
}

fn compile(device: &Device) -> (wgpu::BindGroupLayout, wgpu::ComputePipeline) {
    let layout = bind_group_layout(device, "windows", &ROLES);
    let pipeline_layout = device.raw.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("windows"),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let module = device.raw.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("windows"),
        source: wgpu::ShaderSource::Wgsl(WGSL.into()),
    });
    let constants = [("WORKGROUP_SIZE", f64::from(WORKGROUP_SIZE))];
    let pipeline = device.raw.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("windows"),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
        cache: None,
    });
    (layout, pipeline)
}

/// The buffers of a piece, filled.
fn send(device: &Device, piece: &[[u64; 2]], bounds: Piece) -> [wgpu::Buffer; 2] {
    let create = |size: usize, usage| {
        let usage = usage | wgpu::BufferUsages::COPY_DST;
        let size = size as u64;
        device.raw.create_buffer(&wgpu::BufferDescriptor {
            label: Some("reference"),
            size,
            usage,
            mapped_at_creation: false,
        })
    };
    let uniform = create(size_of::<Piece>(), wgpu::BufferUsages::UNIFORM);
    device.queue.write_buffer(&uniform, 0, bytemuck::bytes_of(&bounds));
    let planes = create(size_of_val(piece), wgpu::BufferUsages::STORAGE);
    for (k, part) in piece.chunks(SENT_BLOCKS).enumerate() {
        let offset = (k * SENT_BLOCKS * size_of::<[u64; 2]>()) as u64;
        device.queue.write_buffer(&planes, offset, bytemuck::cast_slice(part));
        device.queue.submit([]);
    }
    [uniform, planes]
}

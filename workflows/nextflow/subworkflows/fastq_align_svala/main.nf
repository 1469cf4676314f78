//
// Lanes of samples, each in shards, merged to one BAM file a sample: the bytes of one run over all lanes of the sample.
//

include { SVALA_ALIGN } from '../../modules/svala/align/main'
include { SVALA_MERGE } from '../../modules/svala/merge/main'

workflow FASTQ_ALIGN_SVALA {

    take:
    ch_reads   // channel: [ val(meta), [ path(reads) ] ]  an item a lane; meta.id is the sample, meta.lane the lane
    ch_index   // channel: [ val(meta2), path(index) ]
    val_shards // integer: shards of each lane

    main:
    ch_shards = ch_reads
        .map { meta, reads -> [meta + [id: meta.lane ? "${meta.id}.${meta.lane}" : meta.id, sample: meta.id], reads] }
        .combine(Channel.fromList((1..val_shards).toList()))
        .map { meta, reads, number -> [meta, reads, "${number}/${val_shards}"] }

    SVALA_ALIGN(ch_shards, ch_index, 'bam')

    // The order decides that of the header's read groups, so it is that of the names, whatever ended first.
    ch_samples = SVALA_ALIGN.out.bam
        .map { meta, bam -> [[id: meta.sample, single_end: meta.single_end], bam] }
        .groupTuple(sort: { one, other -> one.name <=> other.name })

    SVALA_MERGE(ch_samples)

    emit:
    bam     = SVALA_MERGE.out.bam     // channel: [ val(meta), path(bam) ]
    index   = SVALA_MERGE.out.index   // channel: [ val(meta), path(bai) ]
    record  = SVALA_MERGE.out.record  // channel: [ val(meta), path(json) ]
    metrics = SVALA_MERGE.out.metrics // channel: [ val(meta), [ path(metrics) ] ]
    multiqc = SVALA_MERGE.out.multiqc // channel: [ val(meta), [ path(json) ] ]
    report  = SVALA_MERGE.out.report  // channel: [ val(meta), path(html) ]
}

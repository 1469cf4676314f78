process SVALA_MERGE {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "svala:0.1.0"

    input:
    // All shards of a sample, in the order of its reads.
    tuple val(meta), path(shards)

    output:
    tuple val(meta), path("${prefix}.bam"), emit: bam
    tuple val(meta), path("${prefix}.bam.{bai,csi}"), emit: index, optional: true
    tuple val(meta), path("${prefix}.bam.svala.json"), emit: record, optional: true
    tuple val(meta), path("${prefix}.{stats,flagstat,coverage,insert_size_metrics,duplicate_metrics}"), emit: metrics
    tuple val(meta), path("${prefix}.*_mqc.json"), emit: multiqc
    tuple val(meta), path("${prefix}.html"), emit: report
    tuple val("${task.process}"), val('svala'), eval("svala --version | sed -n 's/^svala //p'"), topic: versions, emit: versions_svala

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    svala \\
        merge \\
        ${args} \\
        --qc ${prefix} \\
        -t ${task.cpus} \\
        -o ${prefix}.bam \\
        ${shards}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.bam ${prefix}.bam.bai ${prefix}.bam.svala.json ${prefix}.html
    touch ${prefix}.stats ${prefix}.flagstat ${prefix}.coverage ${prefix}.insert_size_metrics ${prefix}.duplicate_metrics
    touch ${prefix}.svala_mqc.json ${prefix}.svala_mapq_mqc.json
    """
}

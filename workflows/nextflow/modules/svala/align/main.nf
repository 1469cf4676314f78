process SVALA_ALIGN {
    tag "${meta.id} ${shard}"
    label 'process_high'

    conda "${moduleDir}/environment.yml"
    container "svala:0.1.0"

    input:
    tuple val(meta), path(reads, arity: '1..2'), val(shard)
    tuple val(meta2), path(index)
    val format

    output:
    tuple val(meta), path("${prefix}.{bam,cram}"), emit: bam
    tuple val(meta), path("${prefix}.{bam.bai,bam.csi,cram.crai}"), emit: index, optional: true
    tuple val(meta), path("${prefix}.*.svala.json"), emit: record, optional: true
    tuple val("${task.process}"), val('svala'), eval("svala --version | sed -n 's/^svala //p'"), topic: versions, emit: versions_svala

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    // A shard is I/N; none is all reads.
    prefix = task.ext.prefix ?: (shard ? "${meta.id}.${shard.replace('/', '-of-')}" : "${meta.id}")
    def part = shard ? "--shard ${shard}" : ''
    def mates = reads.size() > 1 ? "-1 ${reads[0]} -2 ${reads[1]}" : "-1 ${reads[0]}"
    // svala puts .svala behind the name itself.
    """
    svala \\
        align \\
        ${args} \\
        --ref ${index.baseName} \\
        ${mates} \\
        ${part} \\
        -t ${task.cpus} \\
        -o ${prefix}.${format}
    """

    stub:
    prefix = task.ext.prefix ?: (shard ? "${meta.id}.${shard.replace('/', '-of-')}" : "${meta.id}")
    """
    touch ${prefix}.${format}
    touch ${prefix}.${format}.svala.json
    """
}

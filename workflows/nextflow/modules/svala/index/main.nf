process SVALA_INDEX {
    tag "${fasta}"
    label 'process_high'

    conda "${moduleDir}/environment.yml"
    container "svala:0.1.0"

    input:
    tuple val(meta), path(fasta)

    output:
    tuple val(meta), path("*.svala"), emit: index
    tuple val("${task.process}"), val('svala'), eval("svala --version | sed -n 's/^svala //p'"), topic: versions, emit: versions_svala

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    """
    svala \\
        index \\
        ${args} \\
        -t ${task.cpus} \\
        ${fasta}
    """

    stub:
    """
    touch ${fasta}.svala
    """
}

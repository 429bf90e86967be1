"""Policy files: YAML text to `Policy` and back. The only room that knows YAML and JSON Schema.

    load.load(paths)        files and folders to policies, or every finding of every file
    write.dump(policy)      one policy to YAML text that loads as the same policy

    files -> read -> parse -> merge      what is right, quickly
                       check             all that is wrong, in the words of the schema; imported only when needed

Nothing is imported here: the command line starts without PyYAML and jsonschema.
"""

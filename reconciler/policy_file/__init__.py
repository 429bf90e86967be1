"""Policy files: YAML text to `Policy` and back. The only room that knows YAML and JSON Schema.

    load.load(paths)        files and folders to policies, or every finding of every file
    write.dump(policy)      one policy to YAML text that loads as the same policy
    accept.propose(...)     what to write where, so that the policy says what is live
    accept.accept(...)      the texts of the files with that written

    files -> read -> parse -> merge      what is right, quickly
                       check             everything that is wrong, in the words of the schema; imported only when needed
    shapes -> values, spelling           the keys of a policy: one declaration that reads, checks and writes
    outline -> edit -> accept            changes of a text that leave the rest of it alone

Nothing is imported here: the command line starts without PyYAML and jsonschema.
"""

from boxship.kernel import capabilities


def test_names_become_bits() -> None:
    assert capabilities.mask(["CAP_CHOWN", "cap_kill"]) == 1 | 1 << 5
    assert capabilities.mask(["CAP_OF_THE_FUTURE"]) == capabilities.mask(None) == 0


def test_the_table_is_in_the_kernel_s_order() -> None:
    numbers = capabilities.NUMBERS
    assert (numbers["CAP_SYS_ADMIN"], numbers["CAP_CHECKPOINT_RESTORE"]) == (21, 40)


def test_the_sets_of_a_process_are_read() -> None:
    status = b"Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nSeccomp:\t0\n"
    assert capabilities.parse_status(status) == {"CapInh": 0, "CapPrm": 0xA80425FB}

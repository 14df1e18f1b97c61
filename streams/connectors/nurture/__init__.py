"""Nurture: the tracks that a lead is in, carried to mail and ad tools at each move, in and out.

A change on `lead-transitions` (`passage`) says where the lead stands; the tracks of the configuration (`track`)
say what that means; a receiver makes it so. Membership is stated, so that a repeat changes nothing.
"""
